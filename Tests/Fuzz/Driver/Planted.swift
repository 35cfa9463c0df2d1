extension FuzzTarget {
  /// Fails on one input only, which nobody finds by chance: `lab/fuzz` shows with it that inputs are guided by coverage and
  /// that a failure is noticed.
  static let planted = FuzzTarget("planted", maximumLength: 32) { bytes throws(Violation) in
    guard bytes.count > 3, bytes[0] == 0xE1, bytes[1] == 0x51, bytes[2] == 0x17, bytes[3] == 0x9C else { return }
    throw Violation(description: "the planted defect")
  }
}
