/// How a volume is created and mounted: the options of a PV, or the parameters of a storage class.
///
/// Unknown options are refused, because a misspelt option would silently give a different volume. Kubernetes' own keys
/// are ignored, because new versions add some.
package struct VolumeOptions: Hashable, Sendable {
  /// Size of a volume to be created; nil when absent (kubelet's reconstructed specs have none).
  package var size: ByteCount?
  /// The requested file system. With nil an existing one stays as it is, and a new volume gets
  /// ``FileSystemKind/standard``.
  package var fileSystem: FileSystemKind?
  package var mkfsOptions = MkfsOptions.none
  package var mountOptions = MountOptions.none
  package var deviceClass = DeviceClass()
  /// The volume that a new volume is a clone of; nil for a volume that begins empty.
  package var origin: CloneOrigin?
  /// Whether the volume's claim was bound before a node was known (`volumeBindingMode: Immediate`). Its PV is then
  /// pinned to the node of its first mount.
  package var isUnpinned = false

  package init() {}

  /// The file system of a new volume.
  package var fileSystemToMake: FileSystemKind { fileSystem ?? .standard }

  /// The smallest volume on which mkfs creates that file system.
  package var minimumSize: ByteCount { fileSystemToMake.minimumSize(with: mkfsOptions) }
}

extension VolumeOptions {
  /// The names of the options. They never change, because PVs contain them.
  package enum Name: String, Sendable, CaseIterable {
    case fileSystem = "fsType"
    case mkfsOptions
    case mountOptions
    case volumeGroup
    case thin
    case size = "sizeBytes"
    case binding
    case cloneOf
    case cloneOfInstance
  }

  /// The value of ``Name/binding`` for ``isUnpinned``.
  package static let immediateBinding = "immediate"

  /// The prefix of Kubernetes' own keys.
  package static let kubernetesPrefix = "kubernetes.io/"

  /// - Parameter fsType: the PV's own field for the file system, beside its options; nil and empty mean none.
  /// - Throws: ``VolumeError/Code/invalid`` with the option's name. The value appears only if it is a plain word or
  ///   number.
  package init(_ values: [String: String], fsType: String? = nil) throws(VolumeError) {
    let unknown = values.keys.filter { !$0.hasPrefix(Self.kubernetesPrefix) && Name(rawValue: $0) == nil }.min()
    if let unknown {
      throw VolumeError(
        .invalid,
        "unknown option \(quoted(unknown)); known are \(Name.allCases.map(\.rawValue).sorted().joined(separator: ", "))"
      )
    }
    let given = { (name: Name) in values[name.rawValue].flatMap { $0.isEmpty ? nil : $0 } }
    fileSystem = try Self.fileSystem(given(.fileSystem), fsType.flatMap { $0.isEmpty ? nil : $0 })
    size = try given(.size).map { text throws(VolumeError) in try Self.size(text) }
    deviceClass = try DeviceClass(volumeGroup: given(.volumeGroup), thin: given(.thin))
    isUnpinned = try Self.isUnpinned(given(.binding))
    origin = try Self.origin(given(.cloneOf), given(.cloneOfInstance))
    if let text = given(.mountOptions) { mountOptions = try MountOptions(parsing: text) }
    if let text = given(.mkfsOptions) { mkfsOptions = try MkfsOptions(parsing: text, for: fileSystemToMake) }
  }

  private static func size(_ text: String) throws(VolumeError) -> ByteCount {
    guard let size = ByteCount(decimal: text), size > .zero, size <= .largestVolume else {
      throw VolumeError(.invalid, "option sizeBytes: \(quoted(text)) is not a positive decimal number of bytes")
    }
    return size
  }

  private static func fileSystem(_ own: String?, _ fsType: String?) throws(VolumeError) -> FileSystemKind? {
    if let own, let fsType, own != fsType {
      throw VolumeError(
        .invalid, "option fsType \(quoted(own)) and the PV's flexVolume.fsType \(quoted(fsType)) disagree; remove one")
    }
    guard let text = own ?? fsType else { return nil }
    guard let kind = FileSystemKind(rawValue: text) else {
      let known = FileSystemKind.allCases.map(\.rawValue).joined(separator: ", ")
      let key = own == nil ? "the PV's flexVolume.fsType" : "option fsType"
      throw VolumeError(.invalid, "\(key): \(quoted(text)) is not one of \(known)")
    }
    return kind
  }

  /// The name alone is not enough: another volume may have it by now.
  private static func origin(_ name: String?, _ instance: String?) throws(VolumeError) -> CloneOrigin? {
    if name == nil, instance == nil { return nil }
    guard let name, let instance else {
      throw VolumeError(.invalid, "options cloneOf and cloneOfInstance are given together, or neither")
    }
    do throws(VolumeError) {
      return try CloneOrigin(name: try VolumeName(name), instance: instance)
    } catch {
      throw error.during("options cloneOf and cloneOfInstance")
    }
  }

  private static func isUnpinned(_ binding: String?) throws(VolumeError) -> Bool {
    guard let binding else { return false }
    guard binding == immediateBinding else {
      throw VolumeError(.invalid, "option binding is \(quoted(binding)), not \(immediateBinding)")
    }
    return true
  }
}
