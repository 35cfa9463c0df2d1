/// A requirement that a driver must meet.
public struct SanityCase: Sendable {
  /// The name, short and stable: `unmount/never-mounted`.
  public let name: String
  /// What the driver must do, and why.
  public let reason: String
  /// What happens to pods if it does not.
  public let consequence: String
  let body: @Sendable (SanityBench) async throws -> Void

  init(
    _ name: String, _ reason: String, otherwise consequence: String,
    _ body: @escaping @Sendable (SanityBench) async throws -> Void
  ) {
    self.name = name
    self.reason = reason
    self.consequence = consequence
    self.body = body
  }

  /// All cases, in the order in which they run.
  public static let all =
    announcements + answers + mounting + unmounting + sharing + names + oddities + attaching + growing + traces
}

/// The result of one case.
public struct SanityResult: Sendable {
  /// How a case ended.
  public enum Verdict: Hashable, Sendable {
    /// The driver meets the requirement.
    case passed
    /// The driver does not meet it. The text says what was found.
    case failed(String)
    /// The case does not apply. The text says why.
    case skipped(String)
  }

  /// The case.
  public let sanityCase: SanityCase
  /// How the case ended.
  public let verdict: Verdict
  /// How long the case took.
  public let duration: Duration
}

/// A requirement that the driver does not meet.
struct SanityFailure: Error {
  let detail: String

  init(_ detail: String) { self.detail = detail }
}

/// A requirement that does not apply to the driver.
struct SanitySkip: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
