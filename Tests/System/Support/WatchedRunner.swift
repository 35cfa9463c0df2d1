import Foundation
import LinuxSystem
import Synchronization
import VolumeHost

/// Runs the real client for the kubelet, and keeps what it was asked and what it said.
final class WatchedRunner: DriverRunner {
  /// A call that has ended.
  struct Record: Sendable {
    let call: DriverCall
    let process: DriverProcess

    var outcome: DriverOutcome { DriverOutcome(of: call.command, process) }
  }

  private struct State {
    var runner: ProcessRunner
    var records: [Record] = []
    var flaws: [String] = []
  }

  private let socket: String
  private let state: Mutex<State>

  /// A client that finds its daemon at a socket and gives up after so many seconds.
  init(socket: String, timeout: Int = 60) {
    self.socket = socket
    state = Mutex(State(runner: Self.runner(socket, timeout)))
  }

  private static func runner(_ socket: String, _ timeout: Int) -> ProcessRunner {
    ProcessRunner(environment: ["ELASTIC_LOCAL_SOCKET": socket, "ELASTIC_LOCAL_TIMEOUT": "\(timeout)"])
  }

  /// From the next call on.
  func setTimeout(seconds: Int) { state.withLock { $0.runner = Self.runner(socket, seconds) } }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    let process = await state.withLock(\.runner).run(executable, call, limit: limit)
    let flaw = Self.flaw(of: process)
    state.withLock { state in
      state.records.append(Record(call: call, process: process))
      if let flaw { state.flaws.append("\(call.line.joined(separator: " ")) -> \(flaw)") }
    }
    return process
  }

  /// All calls so far, in the order in which they ended.
  var records: [Record] { state.withLock(\.records) }

  /// Calls that did not keep to what every call promises.
  var flaws: [String] { state.withLock(\.flaws) }

  /// What kubelet needs of each answer: one JSON object and a newline, nothing on standard error (which is in the same
  /// stream), one of three words as status, an exit code that fits. A client that a test has killed owes nothing.
  private static func flaw(of process: DriverProcess) -> String? {
    guard case .exited(let code) = process.end else {
      if case .notStarted(let reason) = process.end { return reason }
      return nil
    }
    let text = process.output
    let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let status = object?["status"] as? String ?? ""
    guard object != nil, text.hasSuffix("}\n"), text.utf8.count(where: { $0 == 10 }) == 1 else {
      return "not one line of JSON: \(text)"
    }
    guard ["Success", "Failure", "Not supported"].contains(status) else { return "no such status: \(text)" }
    return code == (status == "Failure" ? 1 : 0) ? nil : "exit code \(code) with \(text)"
  }
}
