/// A volume as a node is asked for it, through whichever door.
package struct VolumeRequest: Hashable, Sendable {
  /// The PV's name, or the name of an inline volume.
  package var name: VolumeName
  /// How it is created where it does not exist yet, and mounted.
  package var options: VolumeOptions
  package var access: Access
  /// What a volume that is created holds at first.
  package var source: VolumeSource
  /// The pod that it is for; nil when the caller does not say.
  package var consumer: PodName?

  /// What may be done with the volume where it is published.
  package enum Access: Sendable {
    case readWrite, readOnly
  }

  package init(
    _ name: VolumeName, _ options: VolumeOptions, access: Access = .readWrite, source: VolumeSource = .empty,
    consumer: PodName? = nil
  ) {
    self.name = name
    self.options = options
    self.access = access
    self.source = source
    self.consumer = consumer
  }
}

/// What a new volume is made from.
package enum VolumeSource: Hashable, Sendable {
  /// An empty file system.
  case empty
}

/// A pod, by its names in the cluster.
package struct PodName: Hashable, Sendable, CustomStringConvertible {
  package var namespace: String
  package var name: String

  package init(namespace: String, name: String) {
    self.namespace = namespace
    self.name = name
  }

  /// `namespace/name`.
  package var description: String { "\(namespace)/\(name)" }
}
