internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// One command of an engine, for the flight recorder.
package struct RecordedCommand: Sendable, Hashable {
  /// When the command began, RFC 3339.
  package var startedAt: String
  package var command: String
  /// Duration in seconds; nil while the command runs.
  package var seconds: Double?
  /// The engine's return code; nil while it runs.
  package var returnCode: Int?
  /// Its errors and warnings, at most 1,024 bytes.
  package var messages: String
}

/// The commands that an engine has run.
package struct EngineActivity: Sendable {
  /// The name of a command (`lvcreate`) and whether it succeeded.
  package struct Key: Hashable, Sendable {
    package let command: String
    package let succeeded: Bool
  }

  package var counts: [Key: Int] = [:]
  package var seconds: [String: Double] = [:]
  /// The last 16 commands, oldest first; a running one is last.
  package var recent: [RecordedCommand] = []
  /// The age of the running command in seconds; nil when idle.
  package var runningSeconds: Double?

  package var total: Int { counts.values.reduce(0, +) }

  package init() {}
}

/// Records the last 16 commands and the counts. Safe to read from any thread while a command hangs.
package final class FlightRecorder: Sendable {
  private struct State {
    var activity = EngineActivity()
    var runningSince: Duration?
  }

  private static let capacity = 16
  private let state = Mutex(State())

  package init() {}

  /// Records the start of a command.
  package func begin(_ command: String) {
    let entry = RecordedCommand(
      startedAt: WallClock.now().description, command: command, seconds: nil, returnCode: nil, messages: "")
    state.withLock { state in
      state.activity.recent.append(entry)
      if state.activity.recent.count > Self.capacity { state.activity.recent.removeFirst() }
      state.runningSince = MonotonicClock.now()
    }
  }

  /// Records the end of the last started command.
  package func end(name: String, returnCode: Int, succeeded: Bool, messages: String) {
    state.withLock { state in
      let elapsed = state.runningSince.map { (MonotonicClock.now() - $0).inSeconds } ?? 0
      state.runningSince = nil
      let last = state.activity.recent.count - 1
      if last >= 0 {
        state.activity.recent[last].seconds = elapsed
        state.activity.recent[last].returnCode = returnCode
        state.activity.recent[last].messages = String(messages.prefix(1024))
      }
      state.activity.counts[EngineActivity.Key(command: name, succeeded: succeeded), default: 0] += 1
      state.activity.seconds[name, default: 0] += elapsed
    }
  }

  /// Runs a read of the disks that is not a command. While it hangs, the engine counts as busy.
  package func whileReading<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    state.withLock { $0.runningSince = MonotonicClock.now() }
    defer { state.withLock { $0.runningSince = nil } }
    return try body()
  }

  package var snapshot: EngineActivity {
    state.withLock { state in
      var activity = state.activity
      activity.runningSeconds = state.runningSince.map { (MonotonicClock.now() - $0).inSeconds }
      return activity
    }
  }
}
