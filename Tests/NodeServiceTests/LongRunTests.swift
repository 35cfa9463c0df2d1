import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

@Suite("Programs that take longer than a call", .timeLimit(.minutes(2)))
struct LongRunTests {
  private let node: SimulatedNode

  init() throws { node = try SimulatedNode(callPatience: .milliseconds(60)) }

  private func permit(_ context: NodeContext) throws -> FormatPermit? {
    try context.permits.permit(for: try VolumeName(SimulatedNode.name))
  }

  private func slow(_ operation: String, _ isSlow: Bool = true) {
    node.tools.state.withLock { state in
      if isSlow { state.slow.insert(operation) } else { state.slow.remove(operation) }
    }
  }

  private func runs(_ daemon: CallHandler) -> Int { daemon.context.locks.runs.count }

  @Test("mkfs goes on when its call is over; calls say so until it has ended, and then mount, with one mkfs")
  func format() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    for _ in 0..<3 {
      await daemon.fail(SimulatedNode.mount(1), naming: SimulatedNode.name, "is being formatted since", "call again")
    }
    #expect(node.view.volumes.count == 1 && node.mountPoints().isEmpty)
    #expect(try permit(daemon.context)?.progress == .formatting)
    let report = try #require(await daemon.succeed(["status"]).report)
    #expect(report.work?.map(\.volume) == [SimulatedNode.name] && report.work?.first?.phase == "formatting")
    #expect(report.interrupted == [], "it goes on")
    let text = MetricsText(
      daemon.context.metrics.snapshot, groups: [], activity: EngineActivity(), interrupted: 0, release: "test",
      runs: daemon.context.locks.runs
    ).text
    #expect(text.contains("\nelastic_local_long_work{phase=\"formatting\"} 1\n"))
    slow("mkfs", false)
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(try permit(daemon.context) == nil)
    #expect(try await mounts(daemon))
    #expect(node.tools.formatCount == 1 && node.tools.destroyed.isEmpty)
  }

  @Test("a caller that leaves does not end mkfs, and the reconciler and others meet the same one")
  func leaves() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    let call = Task { await daemon.handle(SimulatedNode.mount(1)).reply }
    #expect(try await eventually { node.tools.formatCount == 1 })
    call.cancel()
    #expect(await call.value.status == "Failure")
    let error = await #expect(throws: VolumeError.self) {
      try await VolumeService(daemon.context).prepare(
        VolumeRequest(try VolumeName(SimulatedNode.name), try VolumeOptions(["sizeBytes": "1073741824"])))
    }
    #expect(error?.code == .inProgress)
    slow("mkfs", false)
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(try await mounts(daemon))
    #expect(node.tools.formatCount == 1)
  }

  @Test("a failure without a waiting caller is undone, reported to the next call, and retried by the one after it")
  func fails() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    await daemon.fail(SimulatedNode.mount(1), naming: "is being formatted")
    node.tools.state.withLock { $0.failing = "mkfs" }
    slow("mkfs", false)
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(node.view.isEmpty, "\(node.view)")
    node.tools.state.withLock { $0.failing = nil }
    await daemon.fail(SimulatedNode.mount(1), naming: "out of luck", "in the background")
    #expect(try await mounts(daemon))
  }

  @Test("meanwhile the pod's directory is freed at once, and the removal of the volume ends mkfs and leaves nothing")
  func removed() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    await daemon.fail(SimulatedNode.mount(1), naming: "is being formatted")
    await daemon.succeed(SimulatedNode.unmount(1))
    // The end of mkfs takes its time on a busy machine: then the removal says so, and is repeated.
    #expect(try await succeeds(daemon, ["remove", SimulatedNode.name]))
    #expect(runs(daemon) == 0)
    #expect(node.view.isEmpty, "\(node.view)")
    slow("mkfs", false)
    #expect(try await mounts(daemon))
    #expect(node.tools.formatCount == 2)
  }

  @Test("a volume that may not be removed keeps its mkfs")
  func kept() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    await daemon.fail(SimulatedNode.mount(1), naming: "is being formatted")
    await daemon.fail(
      ["remove", SimulatedNode.name, "11111111-1111-1111-1111-111111111111"], naming: "belongs to claim")
    #expect(runs(daemon) == 1)
    slow("mkfs", false)
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(try await mounts(daemon))
    #expect(node.tools.formatCount == 1)
  }

  @Test("the daemon's end ends mkfs and undoes it")
  func stopped() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    await daemon.fail(SimulatedNode.mount(1), naming: "is being formatted")
    await daemon.context.locks.stopRuns(within: .seconds(20))
    #expect(runs(daemon) == 0 && node.view.isEmpty, "\(node.view)")
    #expect(try permit(daemon.context) == nil)
  }

  @Test("a check goes on when its call is over, and the mount comes when it has ended")
  func check() async throws {
    let daemon = try await node.start()
    #expect(try await mounts(daemon))
    await daemon.succeed(SimulatedNode.unmount(1))
    slow("repair")
    await daemon.fail(SimulatedNode.mount(1), naming: "has its file system checked and repaired since")
    await daemon.fail(SimulatedNode.mount(2), naming: "has its file system checked and repaired since")
    #expect(node.mountPoints().isEmpty)
    slow("repair", false)
    #expect(try await eventually { runs(daemon) == 0 })
    #expect(try await mounts(daemon))
    #expect(node.mountPoints().count == 2)
  }

  @Test("calls for a volume that wait when mkfs outlasts another call are answered so, and none is lost")
  func crowd() async throws {
    slow("mkfs")
    let daemon = try await node.start()
    let replies = await withTaskGroup(of: String.self) { group in
      for number in 1...6 {
        group.addTask { await daemon.handle(SimulatedNode.mount(number)).reply.message ?? "" }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(replies.allSatisfy { $0.contains("is being formatted") }, "\(replies)")
    slow("mkfs", false)
    for number in 1...6 { #expect(try await mounts(daemon, number)) }
    #expect(node.tools.formatCount == 1)
    #expect(node.mountPoints().count == 7)
  }

  /// Whether a mount succeeds, maybe after some that say that it goes on: on a busy machine mkfs outlasts the call anyway.
  private func mounts(_ daemon: CallHandler, _ number: Int = 1) async throws -> Bool {
    try await succeeds(daemon, SimulatedNode.mount(number))
  }

  private func succeeds(_ daemon: CallHandler, _ words: [String]) async throws -> Bool {
    try await eventually { await daemon.handle(words).reply.isSuccess }
  }

  private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let limit = MonotonicClock.now() + .seconds(60)
    while MonotonicClock.now() < limit {
      if try await condition() { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
  }
}
