import CommandLineTool
import Glibc
import LinuxSystem

/// The crash matrix, run by lab/torture: operations on a real node, each struck by an adversary, and a model of what
/// must still hold.
///
///     torture run SEED ROUNDS NOTES     in its own machine: continues at the end of the history in NOTES
///     torture cut NOTES IMAGE LOG CUT   outside, after a power cut: changes IMAGE from the disk at the machine's start to the
///                                       disk after the cut; CUT is the log of writes until then
///     torture summary NOTES...          outside: prints the totals
///
/// `LAB_TORTURE_KIND` is a word of ``Disturbance/Kind``. If set, this is the only kind of strike.
///
/// Exit status: 0; 1 for a finding; 2 for wrong usage; 3 if the run could not continue for another reason.
@main
enum Torture {
  static func main() async {
    do {
      switch OwnProcess.arguments {
      case let words where words.count == 4 && words[0] == "run": try await run(words)
      case let words where words.count == 5 && words[0] == "cut": try cut(Array(words.dropFirst()))
      case let words where words.count > 1 && words[0] == "summary": try summarize(Array(words.dropFirst()))
      default:
        Console.error("torture: run it by lab/torture")
        exit(2)
      }
    } catch let finding as Finding {
      Console.error("FOUND: \(finding)")
      exit(1)
    } catch {
      Console.error("torture: \(error)")
      exit(3)
    }
  }

  private static func run(_ words: [String]) async throws {
    guard let seed = UInt64(words[1]), let rounds = Int(words[2]) else {
      throw TortureError("seed and rounds are numbers")
    }
    let environment = OwnProcess.environment
    let disks = (environment["LAB_DISKS"] ?? "").split(separator: " ").map(String.init)
    guard let products = environment["ELASTIC_LOCAL_PRODUCTS"], environment["LAB_KIND"] == "uml", disks.count == 2
    else {
      throw TortureError("needs its own machine with two disks, and ELASTIC_LOCAL_PRODUCTS")
    }
    let node = NodeUnderTest(products: products, recordsDirectory: words[3], disks: disks)
    let history = try History(path: words[3] + "/history")
    let run = Run(
      history: history, node: node, planner: Planner(seed: seed, only: try kind(environment)), rounds: rounds)
    do {
      try await run.go()
    } catch {
      // The last messages of the daemon and the kernel belong to the kept files.
      try await keepKernelState(words[3])
      try await node.daemon?.kill9()
      try node.takeLog()
      throw error
    }
  }

  private static func kind(_ environment: [String: String]) throws -> Disturbance.Kind? {
    guard let word = environment["LAB_TORTURE_KIND"], !word.isEmpty else { return nil }
    guard let kind = Disturbance.Kind(rawValue: word) else {
      throw TortureError("KIND=\(word) is none of \(Disturbance.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return kind
  }

  private static func keepKernelState(_ recordsDirectory: String) async throws {
    for (name, words) in [("status", ["status"]), ("table", ["table"])] {
      let result = try await Shell.attempt("dmsetup", words)
      try Files.writeDurably(Array(result.output.utf8), to: "\(recordsDirectory)/dmsetup-\(name)", mode: 0o644)
    }
    let messages = try await Shell.attempt("dmesg", [])
    try Files.writeDurably(Array(messages.output.utf8), to: recordsDirectory + "/kernel.log", mode: 0o644)
  }

  private static func cut(_ words: [String]) throws {
    let (recordsDirectory, image, log, written) = (words[0], words[1], words[2], words[3])
    let model = Model(try History.read(recordsDirectory + "/history"))
    guard let round = model.open, case .powerCut(_, let keeping) = round.strike else {
      throw TortureError("the history in \(recordsDirectory) does not end with a power cut")
    }
    if keeping == .everything {
      guard rename(written, image) == 0 else {
        throw SystemError(operation: "rename", subject: written, errno: .current)
      }
      return Console.print("  all that was written is on the disk")
    }
    var replay = Replay(image: image, log: log, keeping: keeping, dice: Dice(seed: UInt64(round.number), stream: 2))
    Console.print("  \(try replay.run())")
  }

  private static func summarize(_ directories: [String]) throws {
    Console.print("\(Summary(try directories.map { try History.read($0 + "/history") }))")
  }
}
