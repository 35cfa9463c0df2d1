import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Killed with -9 at every step", .serialized, .lab, .exclusive)
struct KillTests {
  @Test("the flows together pass every step point there is")
  func complete() throws {
    let points = try Program(Products.daemon, ["step-points"]).wait().output.split(separator: "\n").map(String.init)
    #expect(Set(KillFlow.all.flatMap(\.points)) == Set(points))
  }

  @Test(
    "the daemon dies at each step of a call; the same call again succeeds, and nothing is lost or left",
    arguments: KillFlow.all)
  func everyStep(flow: KillFlow) async throws {
    try await withNode(flow.storage, kubelet: flow.kubelet) { node in
      for point in flow.points {
        try await killAndRepeat(flow, at: point, KillFlow.Scene(node: node, options: flow.options))
      }
    }
  }

  @Test("so it is with xfs and btrfs", arguments: ["xfs", "btrfs"])
  func otherFileSystems(fileSystem: String) async throws {
    try await withNode { node in
      for point in ["volume-created", "formatted", "staged"] {
        let scene = KillFlow.Scene(node: node, options: .smallest(fileSystem))
        try await killAndRepeat(.mountNew, at: point, scene)
      }
    }
  }

  @Test("so it is with thin volumes")
  func thin() async throws {
    try await withNode(.thin) { node in
      for point in ["permit-written", "volume-created", "formatted"] {
        try await killAndRepeat(.mountNew, at: point, KillFlow.Scene(node: node))
      }
      try await killAndRepeat(.expand, at: "volume-extended", KillFlow.Scene(node: node))
      try await killAndRepeat(.remove, at: "removal-proven", KillFlow.Scene(node: node))
    }
  }

  private func killAndRepeat(_ flow: KillFlow, at point: String, _ scene: KillFlow.Scene) async throws {
    let node = scene.node
    try await flow.prepare(scene)
    try await node.restart(fault: "\(point):kill")
    switch flow.want {
    case .kubelet(let command, let want, let isDone):
      try await expectFailure(of: command, on: node) { try await want(scene) }
      try await node.expectDeath("\(point) in \(flow.name)")
      try await node.start()
      try await isDone(scene).succeeds()
      try await repeatMount(flow, scene)
    case .operation(let act):
      act(scene).fails(saying: "daemon")
      try await node.expectDeath("\(point) in \(flow.name)")
      try await node.start()
      act(scene).succeeds()
    }
    try await flow.finish(scene)
    let leaks = try Leaks.found(on: node)
    #expect(leaks.isEmpty, "\(point) in \(flow.name) left behind: \(leaks.joined(separator: "; "))")
  }

  /// The kubelet's call of that kind must fail, in words of ours.
  private func expectFailure(
    of command: DriverCommand, on node: Node, _ body: () async throws -> Void
  ) async throws {
    let runner = try node.kubelet.runner
    let began = runner.records.count
    try await body()
    var answer: Answer?
    _ = await eventually(seconds: 60) {
      answer = runner.records.dropFirst(began).first { $0.call.command == command }
        .map { Answer($0.call.line.joined(separator: " "), $0.outcome) }
      return answer != nil
    }
    try #require(answer, "no \(command.rawValue) was made").fails(saying: "elastic-local")
  }

  /// A kubelet that finds a mount does not call again; one that does not see it would.
  private func repeatMount(_ flow: KillFlow, _ scene: KillFlow.Scene) async throws {
    guard case .kubelet(.mount, _, _) = flow.want else { return }
    var options = scene.options
    options.isReadOnly = writeError(in: scene.directory) == .readOnly
    try await scene.node.calls.mount(scene.volume, options).succeeds()
  }
}
