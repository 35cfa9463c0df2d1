import Glibc
import LinuxSystem
import VolumeHost

/// Makes calls that must be refused, and repeats calls that have succeeded.
struct Provoker {
  let node: NodeUnderTest
  let model: Model

  private var caller: Caller { node.caller }

  func provoke(_ dice: Dice) async throws {
    var dice = dice
    switch dice.below(7) {
    case 0: try await removeMounted(&dice)
    case 1: try await removeForeign(&dice)
    case 2: try await mountForeign()
    case 3: try await mountAgain(&dice)
    case 4: try await unmountGone(&dice)
    case 5: try await abandonMounts(&dice)
    default: try await mountBlanked(&dice)
    }
  }

  private func mounted(_ dice: inout Dice) -> Model.Volume? {
    let volumes = model.sorted.filter { !$0.pods.isEmpty }
    return volumes.isEmpty ? nil : dice.pick(volumes)
  }

  private func removeMounted(_ dice: inout Dice) async throws {
    guard let volume = mounted(&dice) else { return }
    try refused(await caller.ask("remove", volume.new.name), "a volume in use was removed")
  }

  private func removeForeign(_ dice: inout Dice) async throws {
    try refused(await caller.ask("remove", dice.pick(Group.foreign)), "a volume without our tag was removed")
  }

  /// Mounts a PV with the name of a foreign volume that contains no file system.
  private func mountForeign() async throws {
    try refused(try await caller.mount(Group.foreignClaim, "pod-x", readOnly: false), "a foreign volume was mounted")
  }

  /// A kubelet that does not see its mount repeats the call. So does one that was killed together with its client.
  private func mountAgain(_ dice: inout Dice) async throws {
    guard let volume = mounted(&dice), let pod = volume.pods.keys.min(), let readOnly = volume.pods[pod] else { return }
    let again = Task { [caller] in try await caller.mount(volume.new, pod, readOnly: readOnly) }
    if dice.percent(50) {
      try await Task.sleep(for: .milliseconds(dice.below(60)))
      for process in try caller.clients(of: volume.new.name) { kill(process, SIGKILL) }
      _ = try await again.value
      // The killed call has ended when another call of this volume gets its turn.
    }
    let answer = try await caller.mount(volume.new, pod, readOnly: readOnly)
    if !answer.isSuccess { throw Finding("a repeated mount failed: \(answer)") }
    _ = try await again.value
  }

  /// Callers that disconnect before their answer must never unmount an earlier mount.
  private func abandonMounts(_ dice: inout Dice) async throws {
    guard let volume = mounted(&dice), let pod = volume.pods.keys.min(), let readOnly = volume.pods[pod] else { return }
    let call = caller.mountCall(volume.new, pod, readOnly: readOnly)
    for _ in 0..<12 { try caller.abandon(call.line, afterMicroseconds: dice.below(4000)) }
    // Running calls have ended when another call of this volume gets its turn.
    let answer = try await caller.unmount(volume.new, "pod-z", isLast: false)
    if !answer.isSuccess { throw Finding("unmount of a directory that is gone: \(answer)") }
  }

  /// A kubelet repeats an unmount until it succeeds, even if the volume is gone.
  private func unmountGone(_ dice: inout Dice) async throws {
    guard let volume = model.sorted.first(where: { $0.pods["pod-z"] == nil }) else { return }
    let answer = try await caller.unmount(volume.new, "pod-z", isLast: false)
    if !answer.isSuccess { throw Finding("unmount of a directory that is gone: \(answer)") }
  }

  /// A device whose first blocks were lost looks blank, but must not be taken for a new one.
  private func mountBlanked(_ dice: inout Dice) async throws {
    let idle = model.sorted.filter { $0.pods.isEmpty && Files.exists(Group.device($0.new.name)) }
    guard !idle.isEmpty else { return }
    let volume = dice.pick(idle)
    let device = Group.device(volume.new.name)
    let lost = try BlockDeviceWriting.beginning(of: device, bytes: 128 << 10)
    try BlockDeviceWriting.overwrite(device, with: [UInt8](repeating: 0, count: lost.count))
    let answer = try await caller.mount(volume.new, "pod-x", readOnly: false)
    if answer.isSuccess { throw Finding("volume \(volume.new.name) looks blank, and was formatted or mounted") }
    guard Files.exists(device) else { throw Finding("volume \(volume.new.name) is gone, since it looked blank") }
    if volume.new.attaches { rmdir(caller.globalDirectory(volume.new.name)) }
    try BlockDeviceWriting.overwrite(device, with: lost)
    // A power cut must not undo the repair.
    try await node.disk.mark(Replay.mark)
  }

  private func refused(_ answer: Answer, _ otherwise: String) throws {
    if answer.isSuccess { throw Finding("\(otherwise): \(answer)") }
  }
}
