/// What a call asks of a volume, from the JSON options of the FlexVolume contract.
///
/// Kubelet sends one flat object of strings: its own keys begin with `kubernetes.io/`, all others come from the PV's
/// `spec.flexVolume.options`. Keys of kubelet that we do not know are ignored (new versions add some); keys of the PV
/// that we do not know are refused, since a misspelt one would silently give another volume than was asked for.
package struct VolumeOptions: Hashable, Sendable {
  /// Size of a volume that has to be made; nil when the call does not say (kubelet's reconstructed specs do not).
  package let size: ByteCount?
  /// The file system asked for by name; nil leaves an existing one as it is and makes ``FileSystemKind/standard``.
  package let fileSystem: FileSystemKind?
  package let isReadOnly: Bool
  /// The PV's name, or the name of an inline volume.
  package let volume: VolumeName?
  package let mountOptions: MountOptions
  package let mkfsOptions: MkfsOptions
  package let volumeGroup: VolumeGroupName?
  /// Whether a new volume is thin; nil leaves it to the node's settings.
  package let isThin: Bool?
  /// Whether the volume's claim was bound before a node was known (`volumeBindingMode: Immediate`): its PV has to be
  /// pinned to the node of its first mount.
  package let isUnpinned: Bool
  /// `namespace/name` of the pod, for logs; only `mount` carries it.
  package let pod: String?

  /// What a freshly made volume is formatted with.
  package var fileSystemToMake: FileSystemKind { fileSystem ?? .standard }

  private static let ownKeys: Set<String> = [
    "sizeBytes", "fsType", "mkfsOptions", "mountOptions", "volumeGroup", "thin", "binding",
  ]
  private static let kubeletPrefix = "kubernetes.io/"

  /// - Throws: ``VolumeError/Code/invalid`` naming the key, never its value unless the value is a plain word or number.
  package init(_ values: [String: String]) throws(VolumeError) {
    if let unknown = values.keys.filter({ !$0.hasPrefix(Self.kubeletPrefix) && !Self.ownKeys.contains($0) }).min() {
      throw VolumeError(
        .invalid, "unknown option \(quoted(unknown)); known are \(Self.ownKeys.sorted().joined(separator: ", "))")
    }
    let fileSystem = try Self.fileSystem(in: values)
    self.fileSystem = fileSystem
    size = try Self.size(in: values)
    isReadOnly = try Self.isReadOnly(in: values)
    volume = try Self.volume(in: values)
    volumeGroup = try Self.nonEmpty(values["volumeGroup"]).map { text throws(VolumeError) in
      try Self.naming("volumeGroup") { () throws(VolumeError) in try VolumeGroupName(text) }
    }
    isThin = try Self.isThin(in: values)
    isUnpinned = try Self.isUnpinned(in: values)
    mountOptions =
      try Self.nonEmpty(values["mountOptions"]).map { text throws(VolumeError) in try MountOptions(parsing: text) }
      ?? .none
    mkfsOptions =
      try Self.nonEmpty(values["mkfsOptions"]).map { text throws(VolumeError) in
        try MkfsOptions(parsing: text, for: fileSystem ?? .standard)
      } ?? .none
    pod = Self.pod(in: values)
  }

  private static func naming<Value>(_ key: String, _ body: () throws(VolumeError) -> Value) throws(VolumeError) -> Value
  {
    do throws(VolumeError) { return try body() } catch { throw error.during("option \(key)") }
  }

  private static func nonEmpty(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

  private static func size(in values: [String: String]) throws(VolumeError) -> ByteCount? {
    guard let text = nonEmpty(values["sizeBytes"]) else { return nil }
    guard let size = ByteCount(decimal: text), size > .zero, size.bytes <= UInt64(Int64.max) else {
      throw VolumeError(.invalid, "option sizeBytes: \(quoted(text)) is no positive decimal number of bytes")
    }
    return size
  }

  private static func fileSystem(in values: [String: String]) throws(VolumeError) -> FileSystemKind? {
    let own = nonEmpty(values["fsType"])
    let kubelet = nonEmpty(values[kubeletPrefix + "fsType"])
    if let own, let kubelet, own != kubelet {
      throw VolumeError(
        .invalid, "option fsType \(quoted(own)) and the PV's flexVolume.fsType \(quoted(kubelet)) disagree; remove one")
    }
    guard let text = own ?? kubelet else { return nil }
    guard let kind = FileSystemKind(rawValue: text) else {
      let known = FileSystemKind.allCases.map(\.rawValue).joined(separator: ", ")
      let key = own == nil ? "the PV's flexVolume.fsType" : "option fsType"
      throw VolumeError(.invalid, "\(key): \(quoted(text)) is not one of \(known)")
    }
    return kind
  }

  private static func isReadOnly(in values: [String: String]) throws(VolumeError) -> Bool {
    switch values[kubeletPrefix + "readwrite"] {
    case nil, "", "rw": return false
    case "ro": return true
    case .some(let other): throw VolumeError(.invalid, "kubernetes.io/readwrite is \(quoted(other)), not ro or rw")
    }
  }

  private static func isThin(in values: [String: String]) throws(VolumeError) -> Bool? {
    switch values["thin"] {
    case nil, "": return nil
    case "true": return true
    case "false": return false
    case .some(let other): throw VolumeError(.invalid, "option thin is \(quoted(other)), not true or false")
    }
  }

  private static func isUnpinned(in values: [String: String]) throws(VolumeError) -> Bool {
    switch values["binding"] {
    case nil, "": return false
    case "immediate": return true
    case .some(let other): throw VolumeError(.invalid, "option binding is \(quoted(other)), not immediate")
    }
  }

  private static func volume(in values: [String: String]) throws(VolumeError) -> VolumeName? {
    guard let text = nonEmpty(values[kubeletPrefix + "pvOrVolumeName"]) else { return nil }
    return try naming("kubernetes.io/pvOrVolumeName") { () throws(VolumeError) in try VolumeName(text) }
  }

  private static func pod(in values: [String: String]) -> String? {
    guard let name = nonEmpty(values[kubeletPrefix + "pod.name"]) else { return nil }
    return (nonEmpty(values[kubeletPrefix + "pod.namespace"]) ?? "") + "/" + name
  }
}
