internal import LinuxSystem
internal import NodeService
internal import StorageModel

/// Paths that kubelet names, on this node.
struct FlexPaths: Sendable {
  private let system: any NodeSystem
  private let root: String

  init(_ context: NodeContext) {
    system = context.system
    root = context.configuration.kubeletRoot
  }

  func target(_ path: FlexPath) -> PublishTarget { path.target(below: root) }

  /// - Throws: `invalid` saying what the path should look like.
  func path(_ text: String) async throws(VolumeError) -> FlexPath {
    try FlexPath(try await ownSpelling(text), kubeletRoot: root)
  }

  /// The path of an unmount. Nil when the directory cannot be a volume's and nothing is mounted there: kubelet asks until it
  /// is told Success, also where a mount was refused for its name.
  func pathToFree(_ text: String) async throws(VolumeError) -> FlexPath? {
    let own = try await ownSpelling(text)
    let parts = try FlexPath.Parts(own, kubeletRoot: root)
    do throws(VolumeError) {
      _ = try VolumeName(parts.name)
    } catch {
      guard SafePath.isPlain(parts.name) else { throw error }
      guard let real = try await system.resolve(root: root, components: parts.components),
        let top = try await system.top(at: real)
      else { return nil }
      throw VolumeError(
        .conflict,
        "\(error.message), but \(quoted(top.source)) is mounted there, not by this driver; unmount it by hand")
    }
    return try FlexPath(own, kubeletRoot: root)
  }

  /// The path with kubelet's root as we spell it: kubelet may name it by another link.
  private func ownSpelling(_ path: String) async throws(VolumeError) -> String {
    guard !path.hasPrefix(root + "/"), !path.utf8.contains(0), let other = FlexPath.root(of: path),
      try await system.isSameDirectory(other, root)
    else { return path }
    return root + String(decoding: path.utf8.dropFirst(other.utf8.count), as: UTF8.self)
  }
}
