internal import KubernetesAPI
package import LinuxSystem

/// Time that passes faster than real time.
package struct FastTime: Timekeeper {
  private let factor: Int
  private let start = ContinuousClock.now

  package init(factor: Int = 1000) { self.factor = factor }

  package var now: Duration { (ContinuousClock.now - start) * factor }
  package var wallClock: Timestamp { WallClock.now() }
  package func random() -> Double { Double.random(in: 0..<1) }

  package func sleep(until time: Duration) async throws(CancellationError) {
    do {
      try await Task.sleep(until: start + time / factor, clock: .continuous)
    } catch {
      throw CancellationError()
    }
  }
}
