package import LinuxSystem
package import StorageModel

// Kubelet's directories, and our own.
extension LinuxNodeSystem {
  package func resolve(root: String, components: [String]) async throws(VolumeError) -> String? {
    do throws(SystemError) {
      return try await pool(.table).run { () throws(SystemError) in
        do throws(SystemError) {
          return try SafePath.openDirectory(root: root, components: components).path
        } catch {
          if error.errno == .noEntry { return nil }
          throw error
        }
      }
    } catch {
      throw Self.refusal(error, components)
    }
  }

  package func view(
    root: String, components: [String], source: String
  ) async throws(VolumeError) -> DirectoryView? {
    do throws(SystemError) {
      return try await pool(.mount, source).run { () throws(SystemError) in
        try SafePath.openDirectory(root: root, components: components).view()
      }
    } catch {
      throw Self.refusal(error, components)
    }
  }

  package func isSameDirectory(_ first: String, _ second: String) async throws(VolumeError) -> Bool {
    await pool(.table).run {
      // A directory that cannot be resolved counts as different. The caller's error names the path.
      guard let first = try? Files.realPath(first), let second = try? Files.realPath(second) else { return false }
      return first == second
    }
  }

  package func makeDirectory(_ path: String) async throws(VolumeError) {
    try await run("making \(path)") { () throws(SystemError) in try Files.makeDirectory(path, mode: 0o700) }
  }

  package func removeDirectory(_ path: String) async throws(VolumeError) {
    try await run("removing \(path)") { () throws(SystemError) in try Files.removeDirectory(path) }
  }

  package func directories(in path: String) async throws(VolumeError) -> [String] {
    try await run("listing \(path)") { () throws(SystemError) in
      Files.exists(path) ? try Files.list(path) : []
    }
  }

  static func refusal(_ error: SystemError, _ components: [String]) -> VolumeError {
    let path = components.joined(separator: "/")
    switch error.errno {
    case .loop, .notDirectory:
      return VolumeError(
        .unsafe,
        "\(quoted(path)) below kubelet's root is not reached through plain directories only (\(error)); nothing was done",
        cause: error)
    case .noEntry:
      return VolumeError(
        .notFound, "\(quoted(path)) below kubelet's root does not exist; kubelet creates it before the call")
    default:
      return VolumeError(error, during: "opening \(quoted(path))")
    }
  }
}
