/// Asks another provider once and keeps the answer. Failures are not kept.
public actor CachedMetrics: MetricsProvider {
  private let provider: any MetricsProvider
  private let turnstile = Turnstile()
  private var kept: VolumeMetrics?

  /// Keeps what this provider answers.
  public init(_ provider: any MetricsProvider) { self.provider = provider }

  /// The figures of the first answer.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    try await turnstile.pass { () async throws(MetricsError) in
      if let kept { return kept }
      let found = try await provider.metrics()
      kept = found
      return found
    }
  }
}
