package import KubernetesAPI

// What models do to all readers of a server.
extension SimulatedAPIServer {
  /// Disturbs the watches in one way: ends or breaks them, forgets the history, holds changes back (of all kinds, or of one of
  /// these), or shows some or all of what is held back.
  package func disturbWatches(_ dice: inout Dice, of resources: [APIResource]) {
    switch dice.next() % 5 {
    case 0: endWatches(isBroken: dice.once(in: 2))
    case 1: if dice.once(in: 3) { compact() }
    case 2: if dice.once(in: 4) { holdWatches() } else { holdWatches(of: dice.pick(resources)) }
    default: showWatches(dice.once(in: 2) ? nil : Int(dice.next() % 8))
    }
  }

  /// Ends all disturbances: from now on there are no faults, and what is late or held back is carried out and shown.
  package func endDisturbances() {
    faults = Faults()
    carryOutLate()
    showWatches()
  }
}
