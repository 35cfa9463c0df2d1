/// Chooses strikes that can hit an operation.
struct Adversary {
  let operation: Operation
  let model: Model

  func strike(_ dice: inout Dice) -> Strike {
    var choices: [(weight: Int, element: Strike)] = [
      (10, .daemonKilled(afterMilliseconds: delay(&dice))),
      (2, .daemonStopped(afterMilliseconds: delay(&dice))),
      (5, .deviceFails(writesOnly: dice.percent(50), afterMilliseconds: delay(&dice))),
      (2, .stateFull), (2, .stateSealed), (2, .socketGone),
    ]
    if !points.isEmpty {
      choices.append((24, .daemonKilledAt(point: dice.pick(points))))
      choices.append((8, .stepFails(point: dice.pick(points))))
    }
    if isCall { choices.append((6, .clientKilled(afterMilliseconds: delay(&dice)))) }
    let misbehaviour: Strike.Misbehaviour = dice.pick(weighted: [(2, .fails), (1, .hangs), (2, .dies)])
    switch operation {
    case .make(let new, _):
      choices.append((12, .tool(.maker, misbehaviour)))
      // More often for thick volumes: they reuse a former volume's blocks, whereas new thin blocks read as zeros.
      choices.append((new.isThin ? 2 : 30, .daemonKilledAtDevice))
      if new.attaches { choices.append((10, .deviceHeld)) }
    case .mount(let volume, _, _) where model.volumes[volume]?.pods.isEmpty == true:
      choices.append((8, .nodesLate(byMilliseconds: 100 + dice.below(600))))
      if model.volumes[volume]?.new.fileSystem == "ext4" { choices.append((8, .tool(.checker, misbehaviour))) }
    default: break
    }
    return dice.pick(weighted: choices)
  }

  func powerCut(_ dice: inout Dice) -> Strike {
    var moments: [(weight: Int, element: Strike.Moment)] = [
      (3, .after(milliseconds: delay(&dice))), (3, .acknowledged),
    ]
    if !points.isEmpty { moments.append((6, .atStep(point: dice.pick(points)))) }
    return .powerCut(dice.pick(weighted: moments), dice.pick(Strike.Keeping.allCases))
  }

  private func delay(_ dice: inout Dice) -> Int { dice.below(dice.percent(50) ? 150 : 1500) }

  /// Whether the operation runs a client.
  private var isCall: Bool {
    switch operation {
    case .make, .mount, .unmount, .grow: true
    case .write, .remove: false
    }
  }

  /// The step points on the operation's path.
  private var points: [String] {
    switch operation {
    case .make(let new, _):
      [
        "permit-written", "volume-created", "volume-cleared", "format-permitted", "formatted", "permit-removed",
        "published",
      ]
        + (new.attaches ? ["device-mounted"] : ["staging-directory-created", "staged"])
    case .mount(let name, _, _):
      if let volume = model.volumes[name], volume.pods.isEmpty {
        ["published"] + (volume.new.attaches ? ["device-mounted"] : ["staging-directory-created", "staged"])
      } else {
        ["published"]
      }
    case .unmount(let name, _):
      if let volume = model.volumes[name], volume.pods.count == 1 {
        ["unpublished", "staging-directory-removed", "detached"]
          + (volume.new.attaches ? ["device-unmounted"] : ["unstaged"])
      } else {
        ["unpublished"]
      }
    case .write: []
    case .grow: ["volume-extended", "file-system-grown"]
    case .remove: ["staging-directory-removed", "detached", "removal-proven", "volume-removed"]
    }
  }
}
