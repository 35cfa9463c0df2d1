import Glibc
import LinuxSystem

/// Executes strikes, and undoes their effects on the machine.
struct Saboteur {
  let node: NodeUnderTest
  let model: Model

  private var disturber: Disturber { Disturber(node: node, model: model) }

  /// Runs before the operation begins.
  func prepare(_ strike: Strike, _ operation: Operation) async throws {
    if let fault = strike.fault { try await node.restartDaemon(fault: fault) }
    switch strike {
    case .tool(let tool, let misbehaviour):
      try node.standIns.instruct(tool, misbehaviour)
      if tool == .checker { try await Self.damage(Group.device(operation.volume)) }
    case .stateFull: try fill()
    case .stateSealed: try await seal(true)
    case .socketGone: try await Shell.run("rm", "-rf", node.place.root + "/run")
    case .nodesLate: try hideNodes(of: operation.volume)
    case .disturbed(let disturbance): try await disturber.prepare(disturbance, operation)
    default: break
    }
  }

  /// Runs during the operation. Returns when the strike is done.
  func strike(_ strike: Strike, _ operation: Operation) async throws {
    switch strike {
    case .daemonKilled(let delay):
      try await pause(delay)
      try await node.daemon?.kill9()
    case .daemonKilledAtDevice: try await node.daemon?.kill9(whenAppears: Group.device(operation.volume))
    case .daemonStopped(let delay):
      try await pause(delay)
      node.daemon?.terminate()
    case .clientKilled(let delay):
      try await pause(delay)
      for process in try node.caller.clients(of: operation.volume) { kill(process, SIGKILL) }
    case .deviceFails(let writesOnly, let delay):
      try await pause(delay)
      try await node.disk.fail(writesOnly: writesOnly)
    case .nodesLate(let delay):
      try await pause(delay)
      try await Shell.run("dmsetup", "mknodes")
    case .disturbed(let disturbance): try await disturber.strike(disturbance, operation)
    default: break
    }
  }

  private func pause(_ milliseconds: Int) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }

  /// Repairs the damage as an administrator. The daemon runs afterwards, without a fault.
  func heal(_ strike: Strike) async throws {
    try node.standIns.behave()
    try node.letGo()
    switch strike {
    case .deviceFails: try await node.disk.recover()
    case .stateFull: try Files.removeDurably(filler)
    case .stateSealed: try await seal(false)
    case .nodesLate: try await Shell.run("dmsetup", "mknodes")
    case .daemonStopped: try await endWell()
    case .disturbed(let disturbance): try await disturber.heal(disturbance)
    default: break
    }
    try requireExpectedEnd()
    if strike.needsNewDaemon || node.daemon?.isRunning != true { try await node.restartDaemon() }
  }

  private func endWell() async throws {
    try await node.daemon?.waitForEnd()
    guard let status = node.daemon?.status, status != .exited(0) else { return }
    throw Finding("after SIGTERM the daemon ended with \(status): \(node.daemon?.log.suffix(600) ?? "")")
  }

  /// Requires that an ended daemon was killed by this program.
  private func requireExpectedEnd() throws {
    guard let daemon = node.daemon, let status = daemon.status else { return }
    if [.cancelled, .signalled(SIGKILL), .exited(0)].contains(status) { return }
    throw Finding("the daemon ended by itself, \(status): \(daemon.log.suffix(600))")
  }
}

extension Saboteur {
  private var filler: String { node.place.state + "/filler" }

  /// Uses all free space.
  private func fill() throws {
    let file = try Descriptor.open(filler, O_WRONLY | O_CREAT, mode: 0o600)
    var offset: off_t = 0
    var piece: off_t = 16 << 20
    while piece >= 1024 {
      if posix_fallocate(file.rawValue, offset, piece) == 0 { offset += piece } else { piece /= 2 }
    }
  }

  /// Forbids to create, remove or rename files in the state's directories (chattr(1), `i`). The file system is not made
  /// read-only as a whole, because the daemon could not run then: it keeps its lock file open for writing.
  private func seal(_ isSealed: Bool) async throws {
    let state = node.place.state
    let directories = [state, state + "/permits", state + "/staging", state + "/lvm", state + "/lvm/archive"]
    try await Shell.run("chattr", [isSealed ? "+i" : "-i"] + directories.filter { Files.exists($0) })
  }

  /// Removes the device nodes of a volume, as if udev had not created them yet.
  private func hideNodes(of volume: String) throws {
    for path in [Group.device(volume), "/dev/\(Group.name)/\(volume)"] {
      guard unlink(path) == 0 || errno == ENOENT else {
        throw SystemError(operation: "remove", subject: path, errno: .current)
      }
    }
  }

  /// Marks an ext4 as one with an error, so that it is checked before the next mount.
  private static func damage(_ device: String) async throws {
    try await Shell.run("debugfs", "-w", "-R", "set_super_value state 3", device)
  }
}

extension Strike {
  /// Whether the daemon has an injected fault, has lost its socket, or has left work for its sweep.
  fileprivate var needsNewDaemon: Bool {
    switch self {
    case .socketGone, .stateFull, .stateSealed, .deviceFails: true
    default: fault != nil
    }
  }
}
