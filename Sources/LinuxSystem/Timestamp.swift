/// A point in time in UTC. Like Unix time it has no leap seconds.
package struct Timestamp: Hashable, Sendable, Comparable {
  /// Whole seconds since 1970-01-01T00:00:00Z. Negative before.
  package let seconds: Int64
  /// Nanoseconds within the second, 0 to 999,999,999.
  package let nanoseconds: Int32

  package init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// Returns whether `left` is earlier.
  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  /// Returns the time from `right` to `left`.
  package static func - (left: Timestamp, right: Timestamp) -> Duration {
    .seconds(left.seconds) - .seconds(right.seconds) + .nanoseconds(Int64(left.nanoseconds - right.nanoseconds))
  }

  /// Returns the time `right` after `left`.
  package static func + (left: Timestamp, right: Duration) -> Timestamp {
    let (seconds, attoseconds) = right.components
    let nanoseconds = Int64(left.nanoseconds) + attoseconds / 1_000_000_000
    let carry = nanoseconds < 0 ? -1 : nanoseconds / 1_000_000_000
    return Timestamp(
      seconds: left.seconds + seconds + carry, nanoseconds: Int32(nanoseconds - carry * 1_000_000_000))
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 in UTC with milliseconds, truncated: `2024-02-29T23:59:59.999Z`.
  package var description: String {
    var (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
    if rest < 0 { (days, rest) = (days - 1, rest + 86_400) }
    let (year, month, day) = Self.date(daysSince1970: days)
    let time = "\(Self.pad(rest / 3600, 2)):\(Self.pad(rest / 60 % 60, 2)):\(Self.pad(rest % 60, 2))"
    let milliseconds = Self.pad(Int64(nanoseconds / 1_000_000), 3)
    return "\(Self.pad(year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))T\(time).\(milliseconds)Z"
  }

  private static func pad(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Converts days to a date in the Gregorian calendar. Years start in March, so that the leap day is the last day.
  /// Eras of 400 years all have 146,097 days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func date(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let days = daysSince1970 + 719_468  // since 0000-03-01
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153  // month, 0 is March
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
