import LinuxSystem
import Testing
import VolumeHost

// What users do, as the kubelet hears of it. It makes the calls.
extension Node {
  /// The name and UID of a pod that uses a volume.
  func podUID(_ pod: String, _ volume: String) -> String { "\(pod)-\(volume)" }

  func podDirectory(_ pod: String, _ volume: String) -> String {
    HostPaths(root: kubeletRoot).volume(volume, ofPod: podUID(pod, volume), driver: Kubelet.driver)
  }

  func globalDirectory(_ volume: String) -> String {
    HostPaths(root: kubeletRoot).deviceMount(volume, driver: Kubelet.driver)
  }

  func pod(_ pod: String, _ volume: String, _ options: Options) -> Pod {
    let uid = podUID(pod, volume)
    return Pod(name: uid, uid: uid, group: options.group, volumes: [options.spec(volume)])
  }

  /// A pod with a PV of that name is scheduled. Does not wait.
  func schedulePod(_ volume: String, pod: String = "pod-a", _ options: Options = Options()) async throws {
    try await kubelet.run(self.pod(pod, volume, options))
  }

  /// A pod with a PV of that name is scheduled: returns when its containers could start, or at its first failure. Then it
  /// is deleted again, before the kubelet tries a second time.
  @discardableResult
  func startPod(_ volume: String, pod: String = "pod-a", _ options: Options = Options()) async throws -> Answer {
    let since = try kubelet.events.count
    try await schedulePod(volume, pod: pod, options)
    let answer = try await kubelet.start(of: podUID(pod, volume), since: since)
    if !answer.isSuccess { try await deletePod(volume, pod: pod) }
    return answer
  }

  /// Waits for a pod that failed: the kubelet tries again and again.
  func waitUntilReady(_ volume: String, pod: String = "pod-a", seconds: Int64 = 60) async throws -> Answer {
    let uid = podUID(pod, volume)
    let isReady = try await kubelet.running().waitUntilReady(uid, limit: .seconds(seconds))
    return isReady
      ? .success("pod \(uid)")
      : .failure("pod \(uid)", "not ready: \(try kubelet.events.last { $0.pod == uid }?.message ?? "")")
  }

  /// The pod is deleted: returns when nothing of it is left on the node.
  @discardableResult
  func deletePod(_ volume: String, pod: String = "pod-a") async throws -> Answer {
    let kubelet = try kubelet
    await kubelet.end(podUID(pod, volume))
    let answer = await kubelet.finish(podUID(pod, volume))
    let isUsed = kubelet.pods.contains { $0.volumes.contains { $0.name == volume } }
    if kubelet.kind.isAttaching, !isUsed { try await waitUntilDetached(volume) }
    return answer
  }

  /// A claim was made larger while a pod uses it: returns when the kubelet has grown its volume, or at its first failure.
  @discardableResult
  func growVolume(
    _ volume: String, pod name: String = "pod-a", from options: Options = Options(), toMebibytes size: Int
  ) async throws -> Answer {
    let since = try kubelet.events.count
    let question = "growth of \(volume) to \(size) MiB"
    var grown = options
    grown.claim = Int64(options.mebibytes ?? 64) << 20
    grown.capacity = Int64(size) << 20
    try await schedulePod(volume, pod: name, grown)
    var last: NodeEvent?
    _ = try await eventually(seconds: 120) {
      last = try kubelet.events.dropFirst(since).first {
        $0.volume == volume && ["FileSystemResizeSuccessful", "VolumeResizeFailed", "FailedMount"].contains($0.reason)
      }
      return last != nil
    }
    guard let last else { return .failure(question, "no event") }
    // Who sees the first writes the claim's new size, who sees the other gives up the growth.
    grown.claim = last.reason == "FileSystemResizeSuccessful" ? grown.capacity : nil
    grown.capacity = grown.claim
    try await schedulePod(volume, pod: name, grown)
    return last.reason == "FileSystemResizeSuccessful" ? .success(question) : .failure(question, last.message)
  }

  /// Waits until a volume is neither attached nor in use.
  func waitUntilDetached(_ volume: String, at location: SourceLocation = #_sourceLocation) async throws {
    let kubelet = try kubelet
    let isDetached = await eventually(seconds: 30) { !kubelet.devicesInUse.contains { $0.hasSuffix("/" + volume) } }
    #expect(isDetached, "still in use: \(kubelet.devicesInUse)", sourceLocation: location)
  }
}
