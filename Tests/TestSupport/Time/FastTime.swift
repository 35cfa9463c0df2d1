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

/// The same with a clock that goes as fast: for whoever compares times of day.
package struct FastClock: Timekeeper {
  private let time: FastTime
  private let start = WallClock.now()

  package init(factor: Int = 1000) { time = FastTime(factor: factor) }

  package var now: Duration { time.now }
  package var wallClock: Timestamp { start + time.now }
  package func random() -> Double { time.random() }
  package func sleep(until time: Duration) async throws(CancellationError) { try await self.time.sleep(until: time) }
}
