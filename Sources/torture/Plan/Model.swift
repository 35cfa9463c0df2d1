/// What must hold on the node: acknowledged operations, and those that have only begun. Computed from the history
/// alone.
struct Model: Sendable {
  var volumes: [String: Volume] = [:]
  /// The existing PVs, by name.
  var claims: [String: Claim] = [:]
  /// The round that has begun and not ended.
  var open: Round?
  var nextRound = 0
  var hasEnded = false
  /// The foreign volumes of the group.
  var foreign: [Group.Volume] = []

  struct Round: Codable, Hashable, Sendable {
    let number: Int
    let operation: Operation
    let strike: Strike
    /// Whether the call is not repeated: the kubelet forgets the pod, and the claim is deleted.
    let isGivenUp: Bool
    /// A second strike, at the daemon's start after the first one or at the repeated call.
    let aftershock: Aftershock?

    enum Aftershock: Codable, Hashable, Sendable {
      /// SIGKILL this long after its start, while it settles interrupted creations.
      case inStart(milliseconds: Int)
      /// SIGKILL this long after the repeated call.
      case inRepetition(milliseconds: Int)
    }

    /// Whether a failed attempt must have undone everything, because the daemon lives and has answered with a failure.
    var mustBeUndone: Bool {
      switch (strike, operation) {
      // A device that a kubelet has waited for stays until it is mounted.
      case (.stepFails, .make(let new, _)), (.tool, .make(let new, _)): !new.attaches
      case (.disturbed(let disturbance), let operation): disturbance.outcome(of: operation) == .failure
      case (.stepFails, .mount), (.tool(.checker, .fails), .mount), (.tool(.checker, .dies), .mount): true
      default: false
      }
    }
  }

  struct Volume: Codable, Hashable, Sendable {
    let new: Operation.NewVolume
    /// LVM's UUID.
    let instance: String
    let fileSystemUUID: String
    /// The number of mkfs runs on its device when it was first acknowledged.
    let makings: Int
    var mebibytes: Int
    /// Pods that have it mounted, and whether read-only.
    var pods: [String: Bool] = [:]
    var files: [String: Content] = [:]
    /// Contents that were being written and have not been acknowledged.
    var doubts: [String: Content] = [:]
  }

  init(_ events: [Event] = []) { for event in events { apply(event) } }

  mutating func apply(_ event: Event) {
    switch event {
    case .began(_, _, let foreign): self.foreign = foreign
    case .booted, .cut: break
    case .round(let round):
      open = round
      nextRound = round.number + 1
    case .made(let volume): volumes[volume.new.name] = volume
    case .mounted(let volume, let pod, let readOnly): volumes[volume]?.pods[pod] = readOnly
    case .unmounted(let volume, let pod): volumes[volume]?.pods[pod] = nil
    case .writing(let volume, let file): volumes[volume]?.doubts[file.name] = file.content
    case .written(let volume, let file):
      volumes[volume]?.files[file.name] = file.content
      volumes[volume]?.doubts[file.name] = nil
    case .grown(let volume, let mebibytes): volumes[volume]?.mebibytes = mebibytes
    case .removed(let volume): volumes[volume] = nil
    case .claimed(let new): claims[new.name] = Claim(new: new)
    case .recorded(let volume, let instance): claims[volume]?.instance = instance
    case .unclaimed(let volume): claims[volume] = nil
    case .held: open = nil
    case .ended: hasEnded = true
    }
  }

  /// The volumes ordered by name, so that the same seed makes the same choices.
  var sorted: [Volume] { volumes.values.sorted { $0.new.name < $1.new.name } }
}

/// One line of the history.
enum Event: Codable, Sendable {
  case began(seed: UInt64, rounds: Int, foreign: [Group.Volume])
  case booted
  /// The operation and the strike that follow.
  case round(Model.Round)
  case made(Model.Volume)
  case mounted(volume: String, pod: String, readOnly: Bool)
  case unmounted(volume: String, pod: String)
  case writing(volume: String, Operation.NewFile)
  case written(volume: String, Operation.NewFile)
  case grown(volume: String, mebibytes: Int)
  case removed(volume: String)
  /// A PV was created.
  case claimed(Operation.NewVolume)
  /// The node has reported its volume, and the PV records it.
  case recorded(volume: String, instance: String)
  /// The PV is deleted.
  case unclaimed(volume: String)
  /// The power is cut now.
  case cut
  /// After the round everything was as required.
  case held
  /// All rounds are done, all volumes were removed, nothing was left.
  case ended
}

extension Model.Round: CustomStringConvertible {
  var description: String {
    "round \(number): \(operation)\(isGivenUp ? ", given up" : "") | \(strike)\(aftershock.map { "; \($0)" } ?? "")"
  }
}

extension Model.Round.Aftershock: CustomStringConvertible {
  var description: String {
    switch self {
    case .inStart(let delay): "again in its start, after \(delay) ms"
    case .inRepetition(let delay): "again in the repeated call, after \(delay) ms"
    }
  }
}
