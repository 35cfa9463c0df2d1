/// Calls `unmount`, with a directory only.
struct FlexUnmounter: Unmounter {
  let core: FlexCore
  let volume: String
  let podUID: String

  var path: String { core.host.paths.volume(volume, ofPod: podUID, driver: core.driver.name) }
  var metrics: any MetricsProvider { core.metrics(at: path) }

  /// Calls the driver for every directory that exists or cannot be read. Does not check whether something is mounted.
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
  /// Removes a directory after unmounting, if the driver has not. Fails if the directory is not empty.
  func removeDirectory(_ path: String) async throws(VolumeFailure) {
    do throws(HostError) { try await host.files.removeDirectory(path) } catch { throw VolumeFailure(error) }
  }
}
