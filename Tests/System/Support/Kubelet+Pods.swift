import Synchronization
import VolumeHost

// Pods, as the API server tells of them.
extension Kubelet {
  /// A pod that is scheduled here, or has changed.
  func run(_ pod: Pod) async {
    state.withLock { state in
      state.pods.removeAll { $0.uid == pod.uid }
      state.pods.append(pod)
      state.known.insert(pod.uid)
    }
    await running().run(pod)
    await state.withLock(\.controller)?.update(pod)
  }

  func isReady(_ uid: String) async -> Bool { await running().isReady(uid) }

  /// Waits until a pod is ready, or until something has gone wrong since event number `since`.
  func start(of uid: String, since: Int, seconds: Double = 120) async -> Answer {
    let question = "start of pod \(uid)"
    var failure: NodeEvent?
    let isOver = await eventually(seconds: seconds) {
      failure = events.dropFirst(since).first {
        $0.reason.hasPrefix("Failed") && ($0.pod == uid || $0.pod.isEmpty && uid.hasSuffix($0.volume))
      }
      if failure != nil { return true }
      return await isReady(uid)
    }
    if let failure { return .failure(question, failure.message) }
    return isOver ? .success(question) : .failure(question, "neither ready nor failed after \(seconds) s")
  }

  /// The pod is deleted. Does not wait.
  func end(_ uid: String) async {
    state.withLock { state in state.pods.removeAll { $0.uid == uid } }
    await running().end(uid)
  }

  /// Waits until a deleted pod has left nothing on the node.
  func finish(_ uid: String, seconds: Int64 = 120) async -> Answer {
    let (node, began) = (await running(), runner.records.count)
    // Until its volumes are gone the pod stays in the API; one that was never mounted keeps nobody.
    if await node.hasVolumes(uid) { _ = await node.waitUntilGone(uid, limit: .seconds(seconds)) }
    await node.forget(uid)
    await state.withLock(\.controller)?.remove(uid)
    if await node.waitUntilGone(uid, limit: .seconds(seconds)) { return .success("end of pod \(uid)") }
    let failures = runner.records.dropFirst(began).map { "\($0.call.command.rawValue): \($0.outcome)" }
    return .failure("end of pod \(uid)", failures.joined(separator: "; "))
  }
}
