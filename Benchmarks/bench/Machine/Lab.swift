import LinuxSystem
import RunningPrograms

/// The place of a measurement: this machine, or a machine of `lab/run` with a device mapper.
enum Lab {
  /// The project's directory, which contains the scripts. It is the working directory, also within the lab.
  static let project = (try? Files.realPath(".")) ?? "."

  /// The executables under test, from the same build as this program.
  static let products = OwnBuild.products

  /// `uml` or `host` within the lab, nil outside.
  static let kind = Settings.text("LAB_KIND")

  /// The lab's disks, if it has this many.
  static func disks(_ count: Int) -> [String]? {
    let disks = Settings.words("LAB_DISKS", or: [])
    return disks.count == count ? disks : nil
  }

  /// Runs a section in the lab, on empty disks. Returns its exit status. Blocks.
  ///
  /// - Parameter silence: a section that prints nothing for this many seconds is killed.
  static func run(_ section: Section, disks: [String], silence: Int) throws -> Int32 {
    let options = disks.flatMap { ["-d", $0] } + ["-t", "\(silence)"]
    let variables = ["ROUNDS", "DURATION", "SIZES"].flatMap { ["--env", $0] }
    return try run(
      here: [project + "/lab/run"] + options + variables + ["--", products + "/bench", section.rawValue])
  }

  /// Runs a program with our output. Returns its exit status. Blocks.
  static func run(here words: [String]) throws -> Int32 {
    guard Files.exists(words[0]) else {
      throw NotMeasured("no \(words[0]): bench runs in the project's directory, as make bench runs it")
    }
    // A user-mode kernel does not know the processor.
    let environment = Programs.environment(["LAB_PROCESSOR": Machine.processor, "BUILD": OwnBuild.directory])
    let process = try SpawnedProcess(words, environment: environment, log: nil)
    Termination.arrange {
      process.signal(.terminate)
      process.wait()
    }
    defer { Termination.arrange(nil) }
    switch process.wait() {
    case .exited(let status): return status
    case .signalled(let number): throw NotMeasured("\(words[0]) was ended by signal \(number)")
    }
  }
}
