package import Controllers
package import StorageModel

/// The parameters of a storage class, checked by the same rules as the node will apply to the volume's options.
package struct ClassParameters: Hashable, Sendable {
  package let fileSystem: FileSystemKind?
  /// As given, known to be valid.
  package let mkfsOptions: String?
  package let mountOptions: String?
  package let place: DeviceClass
  /// What the file system needs.
  package let minimumSize: ByteCount
  /// How long volumes are kept after their claims have gone; nil for a class that does not keep them.
  package let keep: KeepTime?
  package let onNodeLoss: NodeLossPolicy

  /// What a class can say.
  private static let known =
    ([.fileSystem, .mkfsOptions, .mountOptions, .volumeGroup, .thin] as [VolumeOptions.Name]).map(\.rawValue)
    + [keepName, onNodeLossName]

  private static let keepName = "keep"
  private static let onNodeLossName = "onNodeLoss"

  /// The names that other provisioners use for the file system.
  private static let fileSystemNames = ["csi.storage.k8s.io/fstype", "fstype"]

  /// - Parameter mountOptions: the class's own `mountOptions`. Kubelet refuses a FlexVolume PV that carries any, so they go
  ///   where the parameter of that name goes.
  /// - Throws: ``Refusal`` naming the parameter, and all that are known.
  package init(_ parameters: [String: String], mountOptions: [String] = []) throws(Refusal) {
    var values = parameters
    for name in Self.fileSystemNames {
      if let value = values.removeValue(forKey: name), values[.fileSystem] == nil { values[.fileSystem] = value }
    }
    if let unknown = values.keys.filter({ !Self.known.contains($0) }).min() {
      throw Refusal(
        .invalidStorageClass,
        "storage class parameter \(quoted(unknown)) is not known; known are "
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
