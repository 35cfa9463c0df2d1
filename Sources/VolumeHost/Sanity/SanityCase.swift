/// One promise that a driver has to keep.
public struct SanityCase: Sendable {
  /// Short and stable: `unmount/never-mounted`.
  public let name: String
  /// What the driver has to do, and why.
  public let reason: String
  /// What becomes of pods when it does not.
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

  /// All of them, in the order in which they run.
  public static let all =
    announcements + answers + mounting + unmounting + sharing + names + oddities + attaching + growing + traces
}

/// What came of one case.
public struct SanityResult: Sendable {
  /// How it ended.
  public enum Verdict: Hashable, Sendable {
    /// The promise was kept.
    case passed
    /// It was not, with what was found.
    case failed(String)
    /// It does not apply, and why.
    case skipped(String)
  }

  /// The case.
  public let sanityCase: SanityCase
  /// How it ended.
  public let verdict: Verdict
  /// How long it took.
  public let duration: Duration
}

/// A promise that was not kept.
struct SanityFailure: Error {
  let detail: String

  init(_ detail: String) { self.detail = detail }
}

/// A promise that was not made.
struct SanitySkip: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
