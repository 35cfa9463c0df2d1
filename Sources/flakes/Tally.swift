import CommandLineTool
import Synchronization

/// What came of all runs.
final class Tally: Sendable {
  private struct State {
    var runs: [Lane: Int] = [:]
    var failedRuns: [Lane: Int] = [:]
    var failures: [String: Int] = [:]
  }

  private let state = Mutex(State())

  /// - Parameter failure: what failed; nil when all went well.
  func count(_ lane: Lane, _ failure: [String]?) {
    state.withLock { state in
      state.runs[lane, default: 0] += 1
      guard let failure else { return }
      state.failedRuns[lane, default: 0] += 1
      for name in failure { state.failures[name, default: 0] += 1 }
    }
  }

  /// Prints it, and returns the exit status.
  func report(kept: String) -> Int32 {
    let state = state.withLock { $0 }
    for lane in Lane.allCases {
      Console.print("\(lane.rawValue): \(state.runs[lane] ?? 0) runs, \(state.failedRuns[lane] ?? 0) of them failed")
    }
    guard !state.failedRuns.isEmpty else {
      Console.print("nothing failed")
      return 0
    }
    Console.print("failures by test:")
    for (name, count) in state.failures.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      Console.print("\(String(repeating: " ", count: max(0, 7 - "\(count)".count)))\(count) \(name)")
    }
    Console.print("the output of runs that failed is in \(kept)")
    return 1
  }
}
