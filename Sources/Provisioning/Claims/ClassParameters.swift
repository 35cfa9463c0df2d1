internal import Controllers
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

  /// What a class can say.
  private static let known: [VolumeOptions.Name] = [.fileSystem, .mkfsOptions, .mountOptions, .volumeGroup, .thin]

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
    if let unknown = values.keys.filter({ !Self.known.map(\.rawValue).contains($0) }).min() {
      throw Refusal(
        .invalidStorageClass,
        "storage class parameter \(quoted(unknown)) is not known; known are "
          + Self.known.map(\.rawValue).joined(separator: ", "))
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

  private static func nonEmpty(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
}

extension [String: String] {
  fileprivate subscript(_ name: VolumeOptions.Name) -> String? {
    get { self[name.rawValue] }
    set { self[name.rawValue] = newValue }
  }
}
