import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// Every flow, stopped or disturbed at every step it has. A new step is covered as soon as a flow reaches it.
@Suite("Crashes, faults and cancellations at every step")
struct MatrixTests {
  @Test("every step point is reached by a flow")
  func coverage() async throws {
    var reached: Set<StepPoint> = []
    for flow in Flow.all { reached.formUnion(try await flow.points()) }
    let missing = Set(StepPoint.allCases).subtracting(reached).map(\.rawValue).sorted()
    #expect(missing.isEmpty, "no flow of these tests reaches \(missing)")
  }

  /// What must be true once kubelet has called again, twice at most: with a new daemon, or with the one that goes on.
  private func converge(
    _ flow: Flow, _ node: SimulatedNode, _ remark: String, daemon: CallHandler? = nil
  ) async throws {
    let daemon = if let daemon { daemon } else { try await node.start() }
    var reply = await daemon.handle(flow.call).reply
    if !reply.isSuccess { reply = await daemon.handle(flow.call).reply }
    #expect(reply.isSuccess, "\(remark): \(reply.message ?? "")")
    #expect(flow.verify(node) == nil, "\(remark)")
    #expect(node.tools.destroyed.isEmpty, "\(remark)")
    if flow.hasData {
      #expect(node.hasData, "\(remark): the data is gone, found \(node.contents().map { "\($0)" } ?? "no device")")
      // The one time it was made, or never when the Go program made it.
      #expect(node.formats() <= 1, "\(remark)")
    } else if case .fileSystem? = node.contents() {
      #expect(node.formats() == flow.formats, "\(remark): formatted \(node.formats()) times")
    }
    #expect(await flow.leak(on: node, daemon) == nil, "\(remark)")
  }

  @Test("a daemon that dies at any step leaves a state that the next one completes or undoes:", arguments: Flow.all)
  func crash(_ flow: Flow) async throws {
    for point in try await flow.points() {
      let node = try SimulatedNode()
      defer { node.discard() }
      guard case .crashed = try await node.run(flow.call, crashingAt: point, after: flow.prepare) else {
        Issue.record("\(point) was not reached")
        continue
      }
      try await converge(flow, node, "crash at \(point.rawValue)")
    }
  }

  @Test("a power cut at any step leaves a state that the next daemon completes or undoes:", arguments: Flow.all)
  func reboot(_ flow: Flow) async throws {
    for point in try await flow.points() {
      let node = try SimulatedNode()
      defer { node.discard() }
      guard case .crashed = try await node.run(flow.call, crashingAt: point, after: flow.prepare) else {
        Issue.record("\(point) was not reached")
        continue
      }
      node.reboot()
      let daemon = try await node.start()
      for call in flow.afterReboot { await daemon.succeed(call, "\(point)") }
      try await converge(flow, node, "power cut at \(point.rawValue)")
    }
  }

  @Test("two crashes in a row, in the call and in its repetition, are survived too:", arguments: Flow.all)
  func crashTwice(_ flow: Flow) async throws {
    let points = try await flow.points()
    for first in points {
      for second in Set(points).sorted(by: { $0.rawValue < $1.rawValue }) {
        let node = try SimulatedNode()
        defer { node.discard() }
        _ = try await node.run(flow.call, crashingAt: first, after: flow.prepare)
        _ = try await node.run(flow.call, crashingAt: second)
        try await converge(flow, node, "crashes at \(first.rawValue) and \(second.rawValue)")
      }
    }
  }

  @Test("a crash in the start-up that cleans up after a crash is survived too:", arguments: Flow.all)
  func crashInStartUp(_ flow: Flow) async throws {
    for point in try await flow.points() {
      for second in [StepPoint.unstaged, .stagingDirectoryRemoved, .detached] {
        let node = try SimulatedNode()
        defer { node.discard() }
        _ = try await node.run(flow.call, crashingAt: point, after: flow.prepare)
        try await node.startAndCrash(at: second)
        try await converge(flow, node, "crash at \(point.rawValue), then at \(second.rawValue) of the start-up")
      }
    }
  }

  @Test("when kubelet never calls again after a crash, the start-up leaves nothing half-made:", arguments: Flow.all)
  func crashAndNoCall(_ flow: Flow) async throws {
    for point in try await flow.points() {
      let node = try SimulatedNode()
      defer { node.discard() }
      let before = node.view
      _ = try await node.run(flow.call, crashingAt: point, after: flow.prepare)
      _ = try await node.start()
      let after = node.view
      #expect(after.permits.isEmpty, "\(point.rawValue): a permit is left: \(after)")
      if let contents = node.contents() {
        #expect(contents != .blank, "\(point.rawValue): a volume that nobody may ever format is left")
      }
      #expect(after.stagings.count == after.mounts.count { $0.contains("/staging/") }, "\(point.rawValue): \(after)")
      if flow.hasData { #expect(node.hasData, "\(point.rawValue): the data is gone") }
      if before.volumes.isEmpty, [.permitWritten, .volumeCreated, .volumeCleared].contains(point), flow.formats > 0 {
        #expect(after == before, "\(point.rawValue): \(after)")
      }
    }
  }

  @Test("a step that fails leaves the world as it was, and the next call succeeds:", arguments: Flow.all)
  func fault(_ flow: Flow) async throws {
    for point in try await flow.points() {
      let node = try SimulatedNode()
      defer { node.discard() }
      let armed = Flag()
      let daemon = try await node.start(
        steps: StepPoints { reached async throws(VolumeError) in
          guard armed.isSet, reached == point else { return }
          throw VolumeError(.internal, "fault injected")
        })
      try await flow.prepare(node, daemon)
      let before = node.view
      armed.set()
      let reply = await daemon.handle(flow.call).reply
      if flow.isUndone {
        #expect(reply.status == "Failure", "\(point.rawValue)")
        #expect(node.view == before, "\(point.rawValue): before \(before), after \(node.view)")
      }
      if !reply.isSuccess {
        #expect(reply.message?.contains("fault injected") == true, "\(point.rawValue): \(reply.message ?? "")")
        #expect(reply.message?.contains("undoing it failed") == false, "\(point.rawValue): \(reply.message ?? "")")
      }
      armed.clear()
      try await converge(flow, node, "fault at \(point.rawValue), the same daemon goes on", daemon: daemon)
    }
  }

  @Test("a caller that leaves at any step gets all of it undone or all of it done:", arguments: Flow.all)
  func cancellation(_ flow: Flow) async throws {
    for point in try await flow.points() {
      let node = try SimulatedNode()
      defer { node.discard() }
      let armed = Flag()
      let daemon = try await node.start(
        steps: StepPoints { reached async throws(VolumeError) in
          guard armed.isSet, reached == point else { return }
          withUnsafeCurrentTask { $0?.cancel() }
        })
      try await flow.prepare(node, daemon)
      let before = node.view
      armed.set()
      let reply = await Task.detached { await daemon.handle(flow.call).reply }.value
      if reply.isSuccess {
        #expect(flow.verify(node) == nil, "\(point.rawValue)")
      } else {
        #expect(reply.message?.contains("disconnected") == true, "\(point.rawValue): \(reply.message ?? "")")
        if flow.isUndone { #expect(node.view == before, "\(point.rawValue): before \(before), after \(node.view)") }
      }
      try await converge(flow, node, "cancelled at \(point.rawValue)")
    }
  }

  @Test(
    "a mount whose caller has gone when it is done is taken back", arguments: Flow.all.filter { $0.call[0] == "mount" })
  func takenBack(_ flow: Flow) async throws {
    let node = try SimulatedNode()
    defer { node.discard() }
    let daemon = try await node.start()
    try await flow.prepare(node, daemon)
    let mounts = node.view.mounts
    let call = await daemon.handle(flow.call)
    #expect(call.reply.isSuccess)
    await call.undo?("the caller had disconnected")
    #expect(node.view.mounts == mounts)
    #expect(node.view.permits.isEmpty)
    try await converge(flow, node, "after it was taken back")
  }

  @Test("a mount that was there before the call is not taken back, since a pod runs on it")
  func notTakenBack() async throws {
    let node = try SimulatedNode()
    defer { node.discard() }
    let daemon = try await node.start()
    await daemon.succeed(SimulatedNode.mount(1))
    let before = node.view
    let call = await daemon.handle(SimulatedNode.mount(1))
    #expect(call.reply.isSuccess)
    await call.undo?("the caller had disconnected")
    #expect(node.view == before)
  }

  @Test(
    "an operation of the system that fails leaves the world as it was, and the next call succeeds:",
    arguments: Flow.all,
    ["probe", "mkfs", "flush", "copy", "repair", "mount", "bind", "mkdir", "resolve", "unmount", "grow"])
  func failingOperation(_ flow: Flow, _ operation: String) async throws {
    let node = try SimulatedNode()
    defer { node.discard() }
    let daemon = try await node.start()
    try await flow.prepare(node, daemon)
    let before = node.view
    node.tools.state.withLock { $0.failing = operation }
    let reply = await daemon.handle(flow.call).reply
    if reply.isSuccess {
      if operation != "unmount" { #expect(flow.verify(node) == nil, "it does not need the operation") }
    } else if flow.isUndone, operation != "unmount" {
      #expect(node.view == before, "before \(before), after \(node.view)")
    }
    node.tools.state.withLock { $0.failing = nil }
    try await converge(flow, node, "after a failing \(operation), the same daemon goes on", daemon: daemon)
  }
}
