import StorageModel

extension Duration {
  /// Milliseconds with one digit behind the point.
  var milliseconds: String { (inSeconds * 1000).fixed(1) }
}

/// The middle of some figures, or the mean of the two in the middle. There has to be one.
func median(_ figures: [Duration]) -> Duration {
  let sorted = figures.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
