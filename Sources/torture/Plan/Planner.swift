/// Chooses the next operation and strike, from the seed and the model.
struct Planner {
  let seed: UInt64
  /// If set, the only kind of disturbance and of strike.
  var only: Disturbance.Kind?

  /// The power is cut once in this many rounds.
  private static let powerEvery = 6
  private static let most = 6
  private static let files = 8

  func round(_ number: Int, in model: Model) -> Model.Round {
    var dice = Dice(seed: seed, stream: UInt64(number))
    let operation = operation(number, in: model, &dice)
    let adversary = Adversary(operation: operation, model: model)
    var strike =
      number % Self.powerEvery == Self.powerEvery - 1 ? adversary.powerCut(&dice) : adversary.strike(&dice)
    if let disturbance = disturbance(of: number), only != nil || !strike.isPowerCut { strike = .disturbed(disturbance) }
    var isGivenUp = false
    if case .make = operation { isGivenUp = dice.percent(20) }
    let aftershocks: [Model.Round.Aftershock] = [
      .inStart(milliseconds: dice.below(500)), .inRepetition(milliseconds: dice.below(600)),
    ]
    return Model.Round(
      number: number, operation: operation, strike: strike, isGivenUp: isGivenUp,
      aftershock: dice.percent(25) ? dice.pick(aftershocks) : nil)
  }

  /// A share of the rounds is disturbed, chosen by a separate stream. The choices in other rounds do not change.
  private func disturbance(of number: Int) -> Disturbance? {
    var dice = Dice(seed: seed, stream: UInt64(number) | 1 << 41)
    if let only { return Disturbance(only, &dice) }
    return dice.percent(30) ? Disturbance(dice.pick(Disturbance.Kind.allCases), &dice) : nil
  }

  /// Files that a pod writes on another volume meanwhile; nil when there is none.
  func companion(of round: Model.Round, in model: Model) -> (volume: String, pod: String, files: [Operation.NewFile])? {
    var dice = Dice(seed: ~seed, stream: UInt64(round.number))
    let candidates = writable(in: model).filter { $0.volume != round.operation.volume }
    // A writer flushes the whole disk. Half of the rounds have no writer, so that nothing depends on its flushes.
    guard !candidates.isEmpty, dice.percent(50) else { return nil }
    let (volume, pod) = dice.pick(candidates)
    return (volume, pod, newFiles(6, &dice))
  }

  private func operation(_ number: Int, in model: Model, _ dice: inout Dice) -> Operation {
    var choices: [(weight: Int, element: Operation)] = []
    if model.volumes.count < Self.most {
      choices.append((model.volumes.count < 2 ? 60 : 14, .make(newVolume(number, in: model, &dice), pod: "pod-a")))
    }
    for volume in model.sorted { choices += operations(on: volume, &dice) }
    return dice.pick(weighted: choices)
  }

  private func operations(on volume: Model.Volume, _ dice: inout Dice) -> [(weight: Int, element: Operation)] {
    let name = volume.new.name
    var choices: [(weight: Int, element: Operation)] = []
    let free = ["pod-a", "pod-b"].filter { volume.pods[$0] == nil }
    if let pod = free.first {
      choices.append((volume.pods.isEmpty ? 6 : 2, .mount(volume: name, pod: pod, readOnly: dice.percent(20))))
    }
    if volume.pods.isEmpty { choices.append((3, .remove(volume: name))) }
    for (pod, readOnly) in volume.pods.sorted(by: { $0.key < $1.key }) {
      choices.append((3, .unmount(volume: name, pod: pod)))
      if !readOnly { choices.append((4, .write(volume: name, pod: pod, newFiles(3, &dice)))) }
    }
    if !volume.pods.isEmpty, volume.mebibytes < volume.new.mebibytes + 96 {
      choices.append((4, .grow(volume: name, mebibytes: volume.mebibytes + 32)))
    }
    return choices
  }

  private func newVolume(_ number: Int, in model: Model, _ dice: inout Dice) -> Operation.NewVolume {
    let large = model.volumes.values.count { $0.new.fileSystem == "xfs" }
    let fileSystem = large < 2 && dice.percent(35) ? "xfs" : "ext4"
    let digits = String(seed % 0xffff, radix: 16) + "f" + String(number, radix: 16)
    let name = "pvc-7f6b2f0e-5d0c-4f3e-9d36-" + String(repeating: "0", count: 12 - digits.count) + digits
    return Operation.NewVolume(
      name: name, fileSystem: fileSystem, isThin: dice.percent(45), attaches: dice.percent(30),
      // Mostly one size, so that a new volume is at the place of a removed one. The old content must then be recognized
      // as foreign.
      mebibytes: fileSystem == "xfs" ? 320 : dice.percent(60) ? 64 : 48 + 16 * dice.below(3))
  }

  private func newFiles(_ count: Int, _ dice: inout Dice) -> [Operation.NewFile] {
    (0..<count).map { _ in
      Operation.NewFile(
        name: "file-\(dice.below(Self.files))",
        content: Content(bytes: dice.pick([1, 4096, 70_001, 262_144]), seed: dice.next()))
    }
  }

  private func writable(in model: Model) -> [(volume: String, pod: String)] {
    model.sorted.flatMap { volume in
      volume.pods.filter { !$0.value }.keys.sorted().map { (volume.new.name, $0) }
    }
  }
}
