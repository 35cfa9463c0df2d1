internal import StorageModel

/// A path from kubelet, taken apart: it must have exactly the shape that kubelet builds, and nothing else is ever
/// mounted or unmounted.
struct TargetPath: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// `<root>/pods/<pod uid>/volumes/<vendor~driver>/<volume>`
    case pod(PodUID)
    /// `<root>/plugins/kubernetes.io/flexvolume/<vendor>/<driver>/mounts/<volume>`
    case global
  }

  let kind: Kind
  let volume: VolumeName
  /// The path below kubelet's root, component by component.
  let components: [String]

  /// - Throws: `invalid` saying what the path should look like.
  init(_ path: String, kubeletRoot: String) throws(VolumeError) {
    let root = kubeletRoot.hasSuffix("/") ? String(kubeletRoot.dropLast()) : kubeletRoot
    guard path.hasPrefix(root + "/"), !path.utf8.contains(0) else {
      throw VolumeError(.invalid, "path \(quoted(path)) is not below kubelet's root \(quoted(root)) (--kubelet-root)")
    }
    let components = path.dropFirst(root.count + 1).split(separator: "/", omittingEmptySubsequences: false)
      .map(String.init)
    guard let last = components.last, let kind = try Self.kind(of: components) else {
      throw VolumeError(
        .invalid,
        "path \(quoted(path)) is neither \(root)/pods/<uid>/volumes/\(ProductNames.escapedDriver)/<volume> nor "
          + "\(root)/\(Self.globalPrefix.joined(separator: "/"))/<volume>")
    }
    self.kind = kind
    self.components = components
    volume = try VolumeName(last)
  }

  /// The directory that kubelet's attach path mounts a volume at.
  static func globalComponents(of volume: VolumeName) -> [String] { globalPrefix + [volume.text] }

  static let globalPrefix =
    ["plugins", "kubernetes.io", "flexvolume"] + ProductNames.driverComponents + ["mounts"]

  private static func kind(of components: [String]) throws(VolumeError) -> Kind? {
    if components.count == 5, components[0] == "pods", components[2] == "volumes",
      components[3] == ProductNames.escapedDriver
    {
      return .pod(try PodUID(components[1]))
    }
    return Array(components.dropLast()) == globalPrefix ? .global : nil
  }
}
