internal import NodeService
internal import StorageModel

/// A path from kubelet, taken apart: it must have exactly the shape that kubelet builds, and nothing else is ever
/// mounted or unmounted.
struct FlexPath: Hashable, Sendable {
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

  /// What the path means to the service.
  func target(below root: String) -> PublishTarget {
    PublishTarget(volume, root: root, components: components, kind: kind == .global ? .device : .bind)
  }

  /// - Throws: `invalid` saying what the path should look like.
  init(_ path: String, kubeletRoot: String) throws(VolumeError) {
    let parts = try Parts(path, kubeletRoot: kubeletRoot)
    kind = parts.kind
    components = parts.components
    volume = try VolumeName(parts.name)
  }

  /// A path of that shape whose last component may be no volume's name.
  struct Parts {
    let kind: Kind
    let name: String
    let components: [String]

    init(_ path: String, kubeletRoot: String) throws(VolumeError) {
      let root = kubeletRoot.hasSuffix("/") ? String(kubeletRoot.dropLast()) : kubeletRoot
      guard path.hasPrefix(root + "/"), !path.utf8.contains(0) else {
        throw VolumeError(.invalid, "path \(quoted(path)) is not below kubelet's root \(quoted(root)) (--kubelet-root)")
      }
      let components = FlexPath.components(of: path.dropFirst(root.count + 1))
      guard let last = components.last, let kind = try FlexPath.kind(of: components) else {
        throw VolumeError(
          .invalid,
          "path \(quoted(path)) is neither \(root)/pods/<uid>/volumes/\(ProductNames.escapedDriver)/<volume> nor "
            + "\(root)/\(FlexPath.globalPrefix.joined(separator: "/"))/<volume>")
      }
      self.kind = kind
      self.components = components
      name = last
    }
  }

  /// What stands before the last components of a path of that shape: the root as its writer spells it. Nil for other paths.
  static func root(of path: String) -> String? {
    let components = components(of: path[...])
    for count in [podDepth, globalPrefix.count + 1] where components.count > count {
      // Only the shape counts here. `Parts` throws for a pod UID that is not valid.
      if (try? kind(of: Array(components.suffix(count)))) ?? nil != nil {
        return components.dropLast(count).joined(separator: "/")
      }
    }
    return nil
  }

  private static func components(of path: Substring) -> [String] {
    path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// The directory that kubelet's attach path mounts a volume at.
  static func globalComponents(of volume: VolumeName) -> [String] { globalPrefix + [volume.text] }

  private static let podDepth = 5
  static let globalPrefix =
    ["plugins", "kubernetes.io", "flexvolume"] + ProductNames.driverComponents + ["mounts"]

  private static func kind(of components: [String]) throws(VolumeError) -> Kind? {
    if components.count == podDepth, components[0] == "pods", components[2] == "volumes",
      components[3] == ProductNames.escapedDriver
    {
      return .pod(try PodUID(components[1]))
    }
    return Array(components.dropLast()) == globalPrefix ? .global : nil
  }
}
