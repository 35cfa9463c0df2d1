import LinuxSystem

enum Waiting {
  /// Waits until the condition is true. Blocks.
  static func until(seconds: Int, _ otherwise: @autoclosure () -> String, _ condition: () throws -> Bool) throws {
    let limit = MonotonicClock.now() + .seconds(seconds)
    while try !condition() {
      guard MonotonicClock.now() < limit else { throw NotMeasured("\(otherwise()), after \(seconds) s") }
      ThreadSleep.sleep(.milliseconds(200))
    }
  }
}
