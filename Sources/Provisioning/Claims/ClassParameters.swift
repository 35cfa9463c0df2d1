package import Controllers
package import StorageModel

/// The checked parameters of a storage class. The node applies the same rules to the volume's options.
package struct ClassParameters: Hashable, Sendable {
  /// The file system of the volumes; nil for the default.
  package let fileSystem: FileSystemKind?
  /// The valid options of mkfs as written; nil for none.
  package let mkfsOptions: String?
  /// The valid options of mount as written: the parameter, then the class's own field, joined by commas; nil for none.
  package let mountOptions: String?
  /// The device class of the volumes.
  package let place: DeviceClass
  /// The smallest size that the file system can have.
  package let minimumSize: ByteCount
  /// How long volumes are kept after their claims are gone; nil for a class that does not keep them.
  package let keep: KeepTime?
  /// What happens to a claim when its volume's node has left the cluster.
  package let onNodeLoss: NodeLossPolicy

  /// The names of all parameters.
  private static let known =
    ([.fileSystem, .mkfsOptions, .mountOptions, .volumeGroup, .thin] as [VolumeOptions.Name]).map(\.rawValue)
    + [keepName, onNodeLossName]

  private static let keepName = "keep"
  private static let onNodeLossName = "onNodeLoss"

  /// Names that other provisioners use for the parameter `fsType`.
  private static let fileSystemNames = ["csi.storage.k8s.io/fstype", "fstype"]

  /// Checks the parameters.
  ///
  /// - Parameter mountOptions: the class's own field `mountOptions`. They are added to the parameter of that name,
  ///   because kubelet refuses a FlexVolume PV with this field.
  /// - Throws: ``Refusal`` that names the parameter, its value and what is allowed.
  package init(_ parameters: [String: String], mountOptions: [String] = []) throws(Refusal) {
    var values = parameters
    for name in Self.fileSystemNames {
      if let value = values.removeValue(forKey: name), values[.fileSystem] == nil { values[.fileSystem] = value }
    }
    if let unknown = values.keys.filter({ !Self.known.contains($0) }).min() {
      throw Refusal(
        .invalidStorageClass,
        "storage class parameter \(quoted(unknown)) is unknown; the parameters are "
          + Self.known.joined(separator: ", "))
    }
    do throws(VolumeError) {
      keep = try values.removeValue(forKey: Self.keepName).map { text throws(VolumeError) in try KeepTime(parsing: text)
      }
      onNodeLoss = try Self.policy(values.removeValue(forKey: Self.onNodeLossName))
    } catch {
      throw Refusal(.invalidStorageClass, "storage class: \(error.message)")
    }
    let allMountOptions = [values[.mountOptions] ?? ""] + mountOptions
    values[.mountOptions] = allMountOptions.filter { !$0.isEmpty }.joined(separator: ",")
    let options: VolumeOptions
    do throws(VolumeError) {
      options = try VolumeOptions(values)
    } catch {
      throw Refusal(.invalidStorageClass, "storage class: \(error.message)")
    }
    fileSystem = options.fileSystem
    minimumSize = options.minimumSize
    mkfsOptions = Self.nonEmpty(values[.mkfsOptions])
    self.mountOptions = Self.nonEmpty(values[.mountOptions])
    place = options.deviceClass
  }

  /// The options of a PV's FlexVolume source.
  package func volumeOptions(size: ByteCount, isUnpinned: Bool) -> [String: String] {
    var options = place.options
    options[.size] = "\(size.bytes)"
    options[.mkfsOptions] = mkfsOptions
    options[.mountOptions] = mountOptions
    if isUnpinned { options[.binding] = VolumeOptions.immediateBinding }
    return options
  }

  private static func policy(_ text: String?) throws(VolumeError) -> NodeLossPolicy {
    guard let text else { return .keepClaim }
    guard let policy = NodeLossPolicy(rawValue: text) else {
      let known = NodeLossPolicy.allCases.map(\.rawValue).joined(separator: ", ")
      throw VolumeError(.invalid, "onNodeLoss \(quoted(text)) is not one of \(known)")
    }
    return policy
  }

  private static func nonEmpty(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}

extension [String: String] {
  fileprivate subscript(_ name: VolumeOptions.Name) -> String? {
    get { self[name.rawValue] }
    set { self[name.rawValue] = newValue }
  }
}
