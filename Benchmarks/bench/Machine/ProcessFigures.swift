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

  /// The number of context switches of all living threads.
  func contextSwitches() throws -> Int {
    try Files.list(directory + "/task").reduce(0) { sum, thread in
      // A thread that has ended meanwhile does not count.
      let numbers = Self.numbers(in: (try? Files.readText("\(directory)/task/\(thread)/status")) ?? "")
      return sum + (numbers["voluntary_ctxt_switches"] ?? 0) + (numbers["nonvoluntary_ctxt_switches"] ?? 0)
    }
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
