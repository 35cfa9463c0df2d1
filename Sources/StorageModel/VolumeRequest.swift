/// A request to a node for a volume, through whichever door.
package struct VolumeRequest: Hashable, Sendable {
  /// The PV's name, or the name of an inline volume.
  package var name: VolumeName
  /// How the volume is created, if it does not exist yet, and mounted.
  package var options: VolumeOptions
  package var access: Access
  /// The first content of a new volume.
  package var source: VolumeSource
  /// The pod that needs the volume; nil when the caller does not name it.
  package var consumer: PodName?

  /// Permitted access to the volume at its target.
  package enum Access: Sendable {
    case readWrite, readOnly
  }

  package init(
    _ name: VolumeName, _ options: VolumeOptions, access: Access = .readWrite, consumer: PodName? = nil
  ) {
    self.name = name
    self.options = options
    self.access = access
    source = options.origin.map { .clone(of: $0) } ?? .empty
    self.consumer = consumer
  }
}

/// The source of a new volume's content.
package enum VolumeSource: Hashable, Sendable {
  /// An empty file system.
  case empty
  /// The content that another volume of the node has at that moment.
  case clone(of: CloneOrigin)

  /// The origin of a clone; nil for an empty volume.
  package var origin: CloneOrigin? {
    switch self {
    case .empty: nil
    case .clone(let origin): origin
    }
  }
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
