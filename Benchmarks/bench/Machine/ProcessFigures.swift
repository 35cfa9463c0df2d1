import LinuxSystem

/// The values of a process in /proc, proc(5).
struct ProcessFigures {
  let processID: Int32

  private var directory: String { "/proc/\(processID)" }

  /// A number of /proc/PID/status; in KiB for memory, such as `VmRSS`.
  func status(_ field: String) throws -> Int {
    guard let number = Self.numbers(in: try Files.readText(directory + "/status"))[field] else {
      throw NotMeasured("\(directory)/status has no \(field)")
    }
    return number
  }

  /// How often each of its threads was put onto a processor, by the thread's number.
  func contextSwitches() throws -> [String: Int] {
    try Files.list(directory + "/task").reduce(into: [:]) { counts, thread in
      // A thread that ends meanwhile has none.
      let numbers = Self.numbers(in: (try? Files.readText("\(directory)/task/\(thread)/status")) ?? "")
      counts[thread] = (numbers["voluntary_ctxt_switches"] ?? 0) + (numbers["nonvoluntary_ctxt_switches"] ?? 0)
    }
  }

  /// How often threads were put onto a processor since an earlier look. One that has ended since then counts for nothing.
  func contextSwitches(since before: [String: Int]) throws -> Int {
    try contextSwitches().reduce(0) { $0 + max(0, $1.value - (before[$1.key] ?? 0)) }
  }

  /// The time in user and kernel mode, in steps of 10 ms: USER_HZ is 100 on every architecture that we build for.
  func processorTime() throws -> Duration {
    let text = try Files.readText(directory + "/stat")
    // After the name, which may contain any character, the state is the first field; utime and stime are the 12th and
    // 13th.
    let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Int(fields[11]), let kernel = Int(fields[12]) else {
      throw NotMeasured("\(directory)/stat is \(text)")
    }
    return .milliseconds((user + kernel) * 10)
  }

  private static func numbers(in text: String) -> [String: Int] {
    let pairs = text.split(separator: "\n").compactMap { line -> (String, Int)? in
      let words = line.split { $0 == ":" || $0 == "\t" || $0 == " " }
      guard words.count > 1, let number = Int(words[1]) else { return nil }
      return (String(words[0]), number)
    }
    return Dictionary(pairs) { first, _ in first }
  }
}
