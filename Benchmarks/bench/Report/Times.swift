import StorageModel

extension Duration {
  /// Milliseconds with one digit after the point.
  var milliseconds: String { (inSeconds * 1000).fixed(1) }
}

/// The median. There must be at least one value.
func median(_ figures: [Duration]) -> Duration {
  let sorted = figures.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
