/// What must hold on the node: what was acknowledged, and what was only begun. Made from the history alone.
struct Model: Sendable {
  var volumes: [String: Volume] = [:]
  /// The PVs that there are, by name.
  var claims: [String: Claim] = [:]
  /// The round that was begun and has not ended.
  var open: Round?
  var nextRound = 0
  var hasEnded = false
  /// What was in the group before us.
  var foreign: [Group.Volume] = []

  struct Round: Codable, Hashable, Sendable {
    let number: Int
    let operation: Operation
    let strike: Strike
    /// The kubelet is told to forget the pod, and the claim is deleted, instead of calling again.
    let isGivenUp: Bool
    /// What hits the daemon that was started after the strike, or that the calls are repeated to.
    let aftershock: Aftershock?

    enum Aftershock: Codable, Hashable, Sendable {
      /// SIGKILL so long after its start: while it settles what was interrupted.
      case inStart(milliseconds: Int)
      /// SIGKILL so long after the repeated call.
      case inRepetition(milliseconds: Int)
    }

    /// Whether a failed attempt has to leave everything as it was: the daemon lives, and has said that it failed.
    var mustBeUndone: Bool {
      switch (strike, operation) {
      // The device that a kubelet has waited for stays until it is mounted.
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
    /// How often a maker of file systems had been run on it when it was first acknowledged.
    let makings: Int
    var mebibytes: Int
    /// Who has it mounted, and whether only to read.
    var pods: [String: Bool] = [:]
    var files: [String: Content] = [:]
    /// What was being written when somebody last looked.
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

  /// Volumes in the order of their names, so that the same seed chooses the same.
  var sorted: [Volume] { volumes.values.sorted { $0.new.name < $1.new.name } }
}

/// One line of the history.
enum Event: Codable, Sendable {
  case began(seed: UInt64, rounds: Int, foreign: [Group.Volume])
  case booted
  /// What will be done, and what will be done to it.
  case round(Model.Round)
  case made(Model.Volume)
  case mounted(volume: String, pod: String, readOnly: Bool)
  case unmounted(volume: String, pod: String)
  case writing(volume: String, Operation.NewFile)
  case written(volume: String, Operation.NewFile)
  case grown(volume: String, mebibytes: Int)
  case removed(volume: String)
  /// A PV was made.
  case claimed(Operation.NewVolume)
  /// Its node has reported its volume, and the PV says so.
  case recorded(volume: String, instance: String)
  /// The PV is gone.
  case unclaimed(volume: String)
  /// The power fails now.
  case cut
  /// After the round everything was as it must be.
  case held
  /// All rounds are over, all volumes were removed, nothing was left.
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
