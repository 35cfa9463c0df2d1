import Glibc
import LinuxSystem
import VolumeHost

/// Single calls of the client, with the command line that the kubelet of this version builds: where a test needs exactly
/// one call and its reply, or a repetition that this kubelet would not make now.
struct SingleCalls: Sendable {
  let kubelet: Kubelet

  private var driver: FlexDriver { kubelet.client }
  private var paths: HostPaths { kubelet.host.paths }

  func perform(_ call: DriverCall) async -> Answer {
    Answer(call.line.joined(separator: " "), await driver.perform(call))
  }

  /// The call that `mount` makes.
  func mountCall(_ volume: String, pod: String = "pod-a", _ options: Options = Options()) -> DriverCall {
    let uid = "\(pod)-\(volume)"
    let directory = paths.volume(volume, ofPod: uid, driver: Kubelet.driver)
    let spec = options.spec(volume)
    return driver.calls.mount(spec, directory: directory, pod: Pod(name: uid, uid: uid, volumes: [spec]))
  }

  /// `mount`: the kubelet makes the directory before, and removes it after a failure.
  @discardableResult
  func mount(_ volume: String, pod: String = "pod-a", _ options: Options = Options()) async throws -> Answer {
    let call = mountCall(volume, pod: pod, options)
    try Files.makeDirectories(call.arguments[0], mode: 0o750)
    let answer = await perform(call)
    if !answer.isSuccess { rmdir(call.arguments[0]) }
    return answer
  }

  /// `unmount`, and the kubelet's removal of the directory, which fails where something was left in it.
  @discardableResult
  func unmount(_ volume: String, pod: String = "pod-a") async throws -> Answer {
    let directory = paths.volume(volume, ofPod: "\(pod)-\(volume)", driver: Kubelet.driver)
    return try await takeDown(driver.calls.unmount(directory: directory))
  }

  /// `unmount` alone.
  func unmountOnly(_ volume: String, pod: String) async throws -> Answer {
    let directory = paths.volume(volume, ofPod: "\(pod)-\(volume)", driver: Kubelet.driver)
    try Files.makeDirectories(directory, mode: 0o750)
    return await perform(driver.calls.unmount(directory: directory))
  }

  @discardableResult
  func unmountDevice(_ volume: String) async throws -> Answer {
    let directory = paths.deviceMount(volume, driver: Kubelet.driver)
    return try await takeDown(driver.calls.unmountDevice(directory: directory))
  }

  private func takeDown(_ call: DriverCall) async throws -> Answer {
    let answer = await perform(call)
    if answer.isSuccess { try await kubelet.host.files.removeDirectory(call.arguments[0]) }
    return answer
  }

  /// `expandfs`, at a pod's directory unless another is given.
  @discardableResult
  func expand(
    _ volume: String, device: String = "", at directory: String? = nil, toMebibytes size: Int
  ) async throws -> Answer {
    let path = directory ?? paths.volume(volume, ofPod: "pod-a-\(volume)", driver: Kubelet.driver)
    let call = driver.calls.expandFileSystem(
      Options().spec(volume), device: device, directory: path, to: Int64(size) << 20, from: 1)
    guard let call else { throw Trouble("a kubelet of \(kubelet.kind.version) grows nothing") }
    return await perform(call)
  }

  @discardableResult
  func waitForAttach(_ volume: String, _ options: Options = Options()) async -> Answer {
    await perform(driver.calls.waitForAttach(options.spec(volume), device: ""))
  }

  @discardableResult
  func mountDevice(_ volume: String, device: String, _ options: Options = Options()) async throws -> Answer {
    let directory = paths.deviceMount(volume, driver: Kubelet.driver)
    try Files.makeDirectories(directory, mode: 0o750)
    return await perform(driver.calls.mountDevice(options.spec(volume), directory: directory, device: device))
  }
}
