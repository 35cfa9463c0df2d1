import Synchronization
import VolumeHost

/// A call that the library made.
struct MadeCall: Hashable, Sendable {
  let time: Duration
  let caller: String
  let line: String
  let command: DriverCommand
  /// The mounts of the directory at the call, or that it was missing.
  let before: String?
}

/// Plays all drivers of a trace. It answers each call as recorded and repeats the recorded effects.
final class ReplayRunner: Sendable {
  private struct State {
    var waiting: [RecordedCall] = []
    var made: [MadeCall] = []
    var problems: [String] = []
    var silence: (until: Duration, signal: Int32)?
    /// Answers to `init` from before the recording, by caller and driver.
    var earlier: [String: String] = [:]
    /// Commands that drivers did not have before the recording, by caller and driver.
    var missing: [String: Set<String>] = [:]
  }

  private let state = Mutex(State())
  private let time: SimulatedTime
  private let files: SimulatedFiles

  init(time: SimulatedTime, files: SimulatedFiles) {
    self.time = time
    self.files = files
  }

  /// Returns the runner of one caller.
  func runner(for caller: String) -> any DriverRunner { CallerRunner(caller: caller, replay: self) }

  /// Starts a new situation with its expected calls.
  func expect(_ calls: [RecordedCall]) { state.withLock { $0.waiting = calls } }
  /// Makes drivers answer nothing until a time.
  func silence(until time: Duration, signal: Int32) { state.withLock { $0.silence = (time, signal) } }

  /// Marks a driver as loaded before the recording. The caller's next `init` is not part of it.
  func load(_ driver: DriverName, for caller: String, _ answer: String, without commands: [String]) {
    state.withLock {
      $0.earlier["\(caller) \(driver.driver)"] = answer
      $0.missing["\(caller) \(driver.driver)"] = Set(commands)
    }
  }

  /// Returns the calls since the last time and their deviations.
  func take() -> (made: [MadeCall], problems: [String]) {
    state.withLock { state in
      defer { (state.made, state.problems, state.silence) = ([], [], nil) }
      return (state.made, state.problems + state.waiting.map { "not made: \($0.caller) \($0.line)" })
    }
  }

  fileprivate func run(_ caller: String, _ executable: String, _ call: DriverCall) async -> DriverProcess {
    let driver = executable.split(separator: "/").last.map(String.init) ?? ""
    let line = "\(driver) \(call.line.joined(separator: " "))"
    if let silence = state.withLock({ $0.silence }), call.command == .mount, time.now < silence.until {
      await time.sleep(for: .milliseconds(80))
      return DriverProcess(output: "", end: silence.signal == 0 ? .exited(0) : .signalled(silence.signal))
    }
    if state.withLock({ $0.missing["\(caller) \(driver)"]?.contains(call.command.rawValue) }) == true {
      return DriverProcess(output: #"{"status":"Not supported"}"#)
    }
    if call.command == .initialize,
      let answer = state.withLock({ $0.earlier.removeValue(forKey: "\(caller) \(driver)") })
    {
      return DriverProcess(output: answer)
    }
    let recorded: RecordedCall? = state.withLock { state in
      if call.command == .initialize { state.missing["\(caller) \(driver)"] = nil }
      state.made.append(
        MadeCall(time: time.now, caller: caller, line: line, command: call.command, before: before(call)))
      guard let index = state.waiting.firstIndex(where: { $0.caller == caller && $0.line == line }) else {
        state.problems.append("at \(time.now) unexpected: \(caller) \(line)")
        return nil
      }
      return state.waiting.remove(at: index)
    }
    guard let recorded else { return DriverProcess(output: #"{"status":"Failure","message":"not recorded"}"#) }
    checkDirectory(recorded)
    await time.sleep(for: .milliseconds(Int64(recorded.dur * 1000)))
    apply(recorded)
    return recorded.process
  }

  private func before(_ call: DriverCall) -> String? {
    switch call.command {
    case .mount, .unmount, .mountDevice, .unmountDevice:
      let path = call.arguments.first ?? ""
      return files.exists(path) ? "exists mounts=\(files.mountCount(path))" : "absent"
    default: return nil
    }
  }

  /// Requires that the directory is as recorded at the call. A directory that could not be read was recorded as absent.
  private func checkDirectory(_ call: RecordedCall) {
    guard let path = call.directory, let before = call.before, before != "absent" else { return }
    guard !files.exists(path) || files.mountCount(path) != RecordedCall.mounts(before) else { return }
    let found = files.exists(path) ? "\(files.mountCount(path)) mounts" : "nothing"
    state.withLock { $0.problems.append("\(call.line): found \(found), recorded \(before)") }
  }

  private func apply(_ call: RecordedCall) {
    if let file = call.removes { files.removeFile(file) }
    guard let path = call.directory, let after = call.after, after != "absent" else { return }
    if call.argv[0] == "mount" || call.argv[0] == "mountdevice" { files.addDirectory(path) }
    while files.mountCount(path) > RecordedCall.mounts(after) { files.removeMount(path) }
    while files.mountCount(path) < RecordedCall.mounts(after) {
      try? files.mount(path, isForeign: call.foreign ?? false)
    }
  }
}

private struct CallerRunner: DriverRunner {
  let caller: String
  let replay: ReplayRunner

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    await replay.run(caller, executable, call)
  }
}
