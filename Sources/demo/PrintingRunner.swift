import LinuxSystem
import Synchronization
import VolumeHost

/// Runs the driver for the kubelet and shows each call with its reply and its duration.
final class PrintingRunner: DriverRunner {
  private let runner: ProcessRunner
  private let names: [(text: String, name: String)]
  private let made = Mutex<[DriverCall]>([])

  /// `names` are shown in place of longer texts.
  init(environment: [String: String], names: [(text: String, name: String)]) {
    runner = ProcessRunner(environment: environment)
    self.names = names
  }

  /// The calls that have ended.
  var calls: [DriverCall] { made.withLock { $0 } }

  func run(_ executable: String, _ call: DriverCall, limit: Duration?) async -> DriverProcess {
    let began = MonotonicClock.now()
    let process = await runner.run(executable, call, limit: limit)
    let took = MonotonicClock.now() - began
    made.withLock { $0.append(call) }
    let reply = process.output.split(separator: "\n").joined(separator: "\n    ")
    StepPrinter.print("  $ elastic-local \(shown(call))\n    \(reply)   \(StepPrinter.milliseconds(took))")
    return process
  }

  private func shown(_ call: DriverCall) -> String {
    call.line.map { word in
      let text = names.reduce(word) { $0.replacing($1.text, with: $1.name) }
      return text.isEmpty ? "''" : text
    }.joined(separator: " ")
  }
}
