import CommandLineTool
import Glibc
import LinuxSystem
import VolumeHost

/// A run: rounds of one operation and one strike each, until a power cut or the last round.
struct Run {
  /// lab/run cuts the power when this line appears.
  private static let powerCut = "LAB-POWER-CUT"

  let history: History
  let node: NodeUnderTest
  let planner: Planner
  let rounds: Int

  var model: Model { history.model }
  var saboteur: Saboteur { Saboteur(node: node, model: model) }

  func go() async throws {
    try await boot()
    if let open = model.open {
      Console.print("  started again")
      try await finish(open)
    }
    while model.nextRound < rounds {
      let round = planner.round(model.nextRound, in: model)
      try history.add(.round(round))
      Console.print("\(round)")
      try await attempt(round)
      try await finish(round)
    }
    try await end()
  }

  // MARK: the machine's start

  private func boot() async throws {
    let isFirst = history.lines == 0
    try await node.boot(isFirst: isFirst)
    let provisioner = Provisioner(history: history, node: node)
    node.cluster.connect { reports in Task.detached { await provisioner.hear(reports) } }
    node.cluster.show(model)
    if isFirst {
      try history.add(
        .began(seed: planner.seed, rounds: rounds, foreign: try await Group.volumes().filter { !$0.isOurs }))
    }
    try history.add(.booted)
    try await node.startDaemon()
    try await cleanOrphans()
    try await comeBack()
  }

  /// Unmounts the remains of unknown pods, as a kubelet does at start.
  private func cleanOrphans() async throws {
    let pods = node.place.kubelet + "/pods"
    for uid in (try? Files.list(pods)) ?? [] {
      for volume in (try? Files.list("\(pods)/\(uid)/volumes/\(Caller.driverName.directory)")) ?? [] {
        let pod = String(uid.dropLast(volume.utf8.count + 1))
        if model.volumes[volume]?.pods[pod] != nil { continue }
        let unknown = Operation.NewVolume(name: volume, fileSystem: "", isThin: false, attaches: false, mebibytes: 1)
        let new = model.volumes[volume]?.new ?? unknown
        try await insist {
          try await node.caller.unmount(new, pod, isLast: model.volumes[volume]?.pods.isEmpty ?? true)
        }
      }
    }
  }

  /// Mounts the volumes of the pods that were running.
  private func comeBack() async throws {
    for volume in model.sorted {
      for (pod, readOnly) in volume.pods.sorted(by: { $0.key < $1.key }) {
        try await insist { try await node.caller.mount(volume.new, pod, readOnly: readOnly) }
      }
    }
    let findings = try checker.dataFindings()
    if !findings.isEmpty { throw Finding(findings.joined(separator: "\n")) }
  }

  // MARK: a round

  /// Runs the operation once, with the strike.
  private func attempt(_ round: Model.Round) async throws {
    let (strike, operation) = (round.strike, round.operation)
    try changeClaims(for: operation)
    try await saboteur.prepare(strike, operation)
    let performer = Performer(history: history, node: node, strike: strike)
    let work = Task { try await performer.perform(operation) }
    let binding = Task { await changeMeanwhile(round) }
    let companion = Task { try await performer.accompany(planner.companion(of: round, in: model)) }
    if case .powerCut(let moment, _) = strike {
      try await cut(moment, work)
    } else {
      try await saboteur.strike(strike, operation)
    }
    let answer = try await work.value
    binding.cancel()
    try await companion.value
    await binding.value
    if let failure = answer.failure { Console.print("  \(answer.question): \(failure.prefix(160))") }
    if case .disturbed(let disturbance) = strike { try require(disturbance.outcome(of: operation), answer, operation) }
    if !answer.isSuccess, round.mustBeUndone { try await requireAsModelled() }
    try await saboteur.heal(strike)
    if case .deviceFails = strike { try await restartPods() }
  }

  private func require(_ outcome: Disturbance.Outcome, _ answer: Answer, _ operation: Operation) throws {
    switch outcome {
    case .success: if !answer.isSuccess { throw Finding("the operation had to succeed: \(answer)") }
    case .failure:
      guard let failure = answer.failure else { throw Finding("the operation had to be refused: \(answer)") }
      // A client that gives up knows no reason.
      if !failure.contains(operation.volume) { throw Finding("a refusal that does not name the volume: \(answer)") }
    case .either: break
    }
  }

  /// Cuts the power. Does not return.
  private func cut(_ moment: Strike.Moment, _ work: Task<Answer, any Error>) async throws {
    switch moment {
    case .after(let milliseconds): try await Task.sleep(for: .milliseconds(milliseconds))
    case .acknowledged:
      _ = try await work.value
      // Other pods write for a moment longer.
      try await Task.sleep(for: .milliseconds(model.nextRound * 7 % 60))
    case .atStep:
      // The daemon dies there. The cut must keep what is safe by then.
      try await Waiting.until(seconds: 60, TortureError("the daemon does not reach the step for 60 s")) {
        node.daemon?.isRunning == false || model.open.map { model.shows($0.operation) } == true
      }
      try await node.disk.mark("at-the-step")
    }
    try history.add(.cut)
    Console.print("\n\(Self.powerCut)")
    try await Task.sleep(for: .seconds(60))
    throw TortureError("the power was not cut")
  }

  /// Restarts the pods whose file system refuses everything after errors of the disk.
  private func restartPods() async throws {
    for volume in model.sorted {
      for pod in volume.pods.keys.sorted() {
        let isLast = pod == volume.pods.keys.max()
        try await insist { try await node.caller.unmount(volume.new, pod, isLast: isLast) }
      }
    }
    try await ThinPool.repair(node)
    for volume in model.sorted { try await Administrator(node: node).repairIfAsked(volume) }
    try await comeBack()
  }

  /// Repeats the calls until the operation is done, then compares everything with the model.
  private func finish(_ round: Model.Round) async throws {
    let performer = Performer(history: history, node: node, strike: nil)
    if let aftershock = round.aftershock { try await strikeAgain(aftershock, round, performer) }
    if model.shows(round.operation) {
      // The kubelet that lost the answer repeats the call.
      try await insist { try await performer.repeatCall(round.operation) }
    } else if round.isGivenUp {
      try await giveUp(round.operation)
    } else {
      try await insist { try await performer.perform(round.operation) }
    }
    try await Provoker(node: node, model: model).provoke(
      Dice(seed: planner.seed, stream: UInt64(round.number) | 1 << 40))
    try await ClusterProvoker(node: node, model: model).provoke(
      Dice(seed: planner.seed, stream: UInt64(round.number) | 1 << 43))
    try await requireAsModelled()
    try history.add(.held)
  }

  private func strikeAgain(_ aftershock: Model.Round.Aftershock, _ round: Model.Round, _ performer: Performer)
    async throws
  {
    switch aftershock {
    case .inStart(let delay): try await node.interruptStart(afterMilliseconds: delay)
    case .inRepetition(let delay):
      let isShown = model.shows(round.operation)
      let work = Task {
        isShown ? try await performer.repeatCall(round.operation) : try await performer.perform(round.operation)
      }
      try await Task.sleep(for: .milliseconds(delay))
      try await node.daemon?.kill9()
      _ = try await work.value
      try await node.restartDaemon()
    }
  }

  /// Deletes the pod before it has ever run, then its claim.
  private func giveUp(_ operation: Operation) async throws {
    guard case .make(let new, let pod) = operation else { return }
    try await insist { try await node.caller.unmount(new, pod, isLast: true) }
    try unclaim(new.name)
    try await insist { await node.caller.ask("remove", new.name) }
  }

  /// Requires that the same call succeeds within two attempts.
  func insist(_ call: () async throws -> Answer) async throws {
    let first = try await call()
    if first.isSuccess { return }
    let second = try await call()
    if second.isSuccess { return }
    throw Finding("does not converge: \(first), and again \(second)")
  }

  private var checker: Checker { Checker(node: node, model: model, foreign: history.foreign) }

  private func requireAsModelled() async throws {
    let findings = try await checker.findings() + node.takeFindings().map(\.description)
    if !findings.isEmpty { throw Finding(findings.joined(separator: "\n")) }
  }

  // MARK: the end

  /// Ends all pods, and checks and removes all volumes. Nothing may be left.
  private func end() async throws {
    let performer = Performer(history: history, node: node, strike: nil)
    for volume in model.sorted {
      for pod in volume.pods.keys.sorted() {
        try await insist { try await performer.perform(.unmount(volume: volume.new.name, pod: pod)) }
      }
      try await removeForGood(volume, performer)
    }
    try await requireAsModelled()
    node.daemon?.terminate()
    try await node.daemon?.waitForEnd()
    guard node.daemon?.status == .exited(0) else { throw Finding("the daemon does not end well") }
    try history.add(.ended)
  }
}
