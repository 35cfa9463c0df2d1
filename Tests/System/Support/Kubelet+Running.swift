import Synchronization
import VolumeHost

// Starting and stopping.
extension Kubelet {
  /// The volumes' manager; starts it, and the controller-manager's part, where that has not been done.
  func running() async -> NodeVolumes {
    if let node = state.withLock(\.node) { return node }
    if kind.isAttaching, state.withLock({ $0.controller == nil }) { await startController() }
    // So that tests need not wait for the housekeeping, which makes no call.
    var behaviour = HostBehaviour()
    behaviour.housekeeping = .zero
    let node = NodeVolumes(host: host, manager: manager(), status: status, behaviour: behaviour) { [weak self] event in
      self?.state.withLock { $0.events.append(event) }
    }
    for pod in pods { await node.run(pod) }
    let work = Task { await node.reconcile() }
    state.withLock { state in
      state.node = node
      state.work.append(work)
    }
    return node
  }

  private func startController() async {
    let controller = AttachController(host: host, manager: manager(), status: status) { [weak self] event in
      self?.state.withLock { $0.events.append(event) }
    }
    for pod in pods { await controller.update(pod) }
    let work = Task { await controller.reconcile() }
    state.withLock { state in
      state.controller = controller
      state.work.append(work)
    }
  }

  /// Each has plugins of its own, found by looking into the plugin directory.
  private func manager() -> PluginManager {
    let changes = DriverDirectory(pluginDirectory)
    return PluginManager(
      probers: [FlexProber(directory: pluginDirectory, changes: changes, runner: runner, host: host)])
  }

  /// Ends as if killed: whatever it knew is lost. The controller-manager goes on.
  func kill() async {
    let node = state.withLock { state in
      defer { state.node = nil }
      return state.node
    }
    await node?.stop()
  }

  /// Is killed, and comes back; pods named here were deleted meanwhile. Returns when all its pods are ready.
  func restart(without gone: String...) async throws {
    await kill()
    try await comeBack(without: gone)
  }

  /// Starts with the pods it had, but those that were deleted meanwhile.
  func comeBack(without gone: [String] = []) async throws {
    state.withLock { state in state.pods.removeAll { gone.contains($0.uid) } }
    for uid in gone { await state.withLock(\.controller)?.remove(uid) }
    let node = await running()
    for pod in pods {
      guard await node.waitUntilReady(pod.uid, limit: .seconds(60)) else {
        throw Trouble("pod \(pod.uid) is not ready after the kubelet's restart: \(events.last?.message ?? "")")
      }
    }
  }

  /// Stops everything and waits for its end.
  func shutDown() async {
    await kill()
    let (controller, work) = state.withLock { state in
      defer { (state.controller, state.work) = (nil, []) }
      return (state.controller, state.work)
    }
    await controller?.stop()
    for task in work {
      task.cancel()
      await task.value
    }
  }
}
