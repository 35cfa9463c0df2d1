/// Calls `detach` and `unmountdevice`.
struct FlexDetacher: Detacher {
  let core: FlexCore

  /// Succeeds if the driver does not have the command.
  func detach(volume: String, node: String) async throws(VolumeFailure) {
    _ = try await core.call(core.calls.detach(volume: volume, node: node))
  }

  func unmountDevice(at path: String) async throws(VolumeFailure) {
    switch try await state(of: path) {
    case .missing: return
    case .plain: break
    case .mountPoint: try await unmount(path)
    }
    try await core.removeDirectory(path)
  }

  private func unmount(_ path: String) async throws(VolumeFailure) {
    guard try await core.call(core.calls.unmountDevice(directory: path)) == nil else { return }
    do throws(HostError) { try await core.host.files.unmount(path) } catch { throw VolumeFailure(error) }
  }

  /// Returns the state of a path. A mount whose server died is a mount.
  private func state(of path: String) async throws(VolumeFailure) -> DirectoryState {
    do throws(HostError) {
      return try await core.host.state(of: path)
    } catch {
      if error.isCorruptedMount { return .mountPoint }
      throw VolumeFailure(error)
    }
  }
}
