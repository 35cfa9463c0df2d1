/// Asks another provider once and keeps the answer. Errors are not kept.
public actor CachedMetrics: MetricsProvider {
  private let provider: any MetricsProvider
  private let turnstile = Turnstile()
  private var kept: VolumeMetrics?

  /// Creates a cache for a provider.
  public init(_ provider: any MetricsProvider) { self.provider = provider }

  /// Returns the figures of the first answer.
  ///
  /// - Throws: the error of the provider.
  public func metrics() async throws(MetricsError) -> VolumeMetrics {
    try await turnstile.pass { () async throws(MetricsError) in
      if let kept { return kept }
      let found = try await provider.metrics()
      kept = found
      return found
    }
  }
}
