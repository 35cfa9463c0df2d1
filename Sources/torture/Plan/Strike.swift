/// What the adversary does during an operation.
enum Strike: Codable, Hashable, Sendable {
  /// SIGKILL to the daemon at a step point named in its code.
  case daemonKilledAt(point: String)
  /// SIGKILL to the daemon this long after the operation began.
  case daemonKilled(afterMilliseconds: Int)
  /// SIGKILL to the daemon as soon as the device of the new volume exists.
  case daemonKilledAtDevice
  /// SIGTERM to the daemon.
  case daemonStopped(afterMilliseconds: Int)
  /// A step fails, and the daemon must undo the earlier ones.
  case stepFails(point: String)
  /// SIGKILL to the client that waits for the daemon.
  case clientKilled(afterMilliseconds: Int)
  /// A program that the daemon runs misbehaves.
  case tool(Tool, Misbehaviour)
  /// The disk answers with errors: to all requests, or to writes.
  case deviceFails(writesOnly: Bool, afterMilliseconds: Int)
  /// The disk of the daemon's state is full.
  case stateFull
  /// The daemon's state is read-only.
  case stateSealed
  /// The socket's directory is removed.
  case socketGone
  /// The volume's device nodes appear late.
  case nodesLate(byMilliseconds: Int)
  /// Another process opens the device exclusively between `waitforattach` and `mountdevice`.
  case deviceHeld
  /// A disturbance around the daemon.
  case disturbed(Disturbance)
  /// The machine loses its power.
  case powerCut(Moment, Keeping)

  enum Tool: String, Codable, Sendable { case maker, checker }
  enum Misbehaviour: String, Codable, Sendable { case fails, hangs, dies }

  /// When the power fails.
  enum Moment: Codable, Hashable, Sendable {
    case atStep(point: String)
    case after(milliseconds: Int)
    /// As soon as the operation has been acknowledged.
    case acknowledged
  }

  /// What is on the disk after the cut.
  enum Keeping: String, Codable, CaseIterable, Sendable {
    /// Everything that was written.
    case everything
    /// Only what was flushed.
    case flushed
    /// What was flushed up to some moment after the last acknowledgement, and any part of later writes.
    case torn
  }

  /// The name for the totals.
  var kind: String {
    switch self {
    case .daemonKilledAt: "daemon killed at a step"
    case .daemonKilled: "daemon killed at random"
    case .daemonKilledAtDevice: "daemon killed as the device appears"
    case .daemonStopped: "daemon stopped"
    case .stepFails: "step fails"
    case .clientKilled: "client killed"
    case .tool(let tool, let misbehaviour): "\(tool == .maker ? "mkfs" : "fsck") \(misbehaviour.rawValue)"
    case .deviceFails(let writesOnly, _): writesOnly ? "device fails writes" : "device fails"
    case .stateFull: "state directory full"
    case .stateSealed: "state directory read-only"
    case .socketGone: "socket directory gone"
    case .nodesLate: "device nodes late"
    case .deviceHeld: "device held by another"
    case .disturbed(let disturbance): disturbance.kind
    case .powerCut(_, let keeping): "power cut, \(keeping.rawValue) kept"
    }
  }

  var isPowerCut: Bool { if case .powerCut = self { true } else { false } }

  /// The daemon's injected fault for this strike, in the format of `ELASTIC_LOCAL_FAULT`.
  var fault: String? {
    switch self {
    case .daemonKilledAt(let point), .powerCut(.atStep(let point), _): "\(point):kill"
    case .stepFails(let point): "\(point):fail"
    default: nil
    }
  }
}

extension Strike: CustomStringConvertible {
  var description: String {
    switch self {
    case .daemonKilledAt(let point), .stepFails(let point): "\(kind): \(point)"
    case .daemonKilled(let delay), .daemonStopped(let delay), .clientKilled(let delay), .deviceFails(_, let delay),
      .nodesLate(let delay):
      "\(kind), \(delay) ms"
    case .disturbed(let disturbance): "\(disturbance)"
    case .powerCut(.atStep(let point), _): "\(kind), at \(point)"
    case .powerCut(.after(let delay), _): "\(kind), after \(delay) ms"
    case .powerCut(.acknowledged, _): "\(kind), acknowledged"
    default: kind
    }
  }
}
