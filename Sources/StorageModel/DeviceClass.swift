/// The storage of a node on which a volume is created. A nil property means the node's default.
package struct DeviceClass: Hashable, Sendable {
  /// How a volume gets its blocks.
  package enum Provisioning: Sendable {
    /// All blocks are allocated when the volume is created.
    case thick
    /// Blocks come from a thin pool when they are written.
    case thin
  }

  package var group: VolumeGroupName?
  package var provisioning: Provisioning?

  package init(group: VolumeGroupName? = nil, provisioning: Provisioning? = nil) {
    self.group = group
    self.provisioning = provisioning
  }
}

extension DeviceClass {
  /// Reads the values of ``VolumeOptions/Name/volumeGroup`` and ``VolumeOptions/Name/thin``. An empty value counts as
  /// absent.
  ///
  /// - Throws: ``VolumeError/Code/invalid`` naming the option.
  package init(volumeGroup: String?, thin: String?) throws(VolumeError) {
    if let volumeGroup, !volumeGroup.isEmpty {
      do throws(VolumeError) {
        group = try VolumeGroupName(volumeGroup)
      } catch {
        throw error.during("option \(VolumeOptions.Name.volumeGroup.rawValue)")
      }
    }
    switch thin {
    case nil, "": break
    case "true": provisioning = .thin
    case "false": provisioning = .thick
    case .some(let other): throw VolumeError(.invalid, "option thin is \(quoted(other)), not true or false")
    }
  }

  /// The options that select this device class.
  package var options: [String: String] {
    var options: [String: String] = [:]
    options[VolumeOptions.Name.volumeGroup.rawValue] = group?.text
    options[VolumeOptions.Name.thin.rawValue] = provisioning.map { $0 == .thin ? "true" : "false" }
    return options
  }
}

extension NodeStorage {
  /// The capacity from which volumes of this class are created; nil when the node has no such device class.
  package func capacity(of deviceClass: DeviceClass) -> ClassCapacity? {
    let group = deviceClass.group?.text ?? defaultGroup
    let isThin = deviceClass.provisioning.map { $0 == .thin } ?? isThinByDefault
    return classes.first { $0.group == group && $0.isThin == isThin }
  }
}
