/// Sends `unmount`, with nothing but a directory.
struct FlexUnmounter: Unmounter {
  let core: FlexCore
  let volume: String
  let podUID: String

  var path: String { core.host.paths.volume(volume, ofPod: podUID, driver: core.driver.name) }
  var metrics: any MetricsProvider { core.metrics(at: path) }

  /// Whether something is mounted is not looked at: the driver is called for every directory that exists, and for one that
  /// can not be looked at.
  func tearDown() async throws(VolumeFailure) {
    if await isMissing() { return }
    if try await core.call(core.calls.unmount(directory: path)) == nil {
      do throws(HostError) { try await core.host.files.unmount(path) } catch { throw VolumeFailure(error) }
    }
    try await core.removeDirectory(path)
  }

  private func isMissing() async -> Bool { (try? await core.host.state(of: path)) == .missing }
}

extension FlexCore {
  /// Removes a directory after unmounting, unless the driver has. Fails while anything is in it.
  func removeDirectory(_ path: String) async throws(VolumeFailure) {
    do throws(HostError) { try await host.files.removeDirectory(path) } catch { throw VolumeFailure(error) }
  }
}
