import Glibc
import LinuxSystem

/// The data that the pods write and check: 64 MiB of random bytes with their SHA-256, and a line of text.
struct PodData {
  let node: DemoNode

  private static let line = "written by pod db-0\n"

  /// Writes the data and waits until it is on the disk.
  func write(in directory: String) throws {
    try Self.randomWords(8 << 20).withUnsafeBytes {
      try Files.writeDurably(Array($0), to: directory + "/blob", mode: 0o644)
    }
    try Files.writeDurably(Array(try sum(in: directory).utf8), to: directory + "/sum", mode: 0o644)
    try Files.writeDurably(Array(Self.line.utf8), to: directory + "/line", mode: 0o644)
    StepPrinter.print("the pod has written \(try size(of: directory + "/blob")) MiB and synced them")
  }

  /// Returns different words each time: one system call for the seed, then splitmix64.
  private static func randomWords(_ count: Int) -> [UInt64] {
    var state = UInt64.random(in: .min ... .max)
    return (0..<count).map { _ in
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
      return word ^ word >> 31
    }
  }

  func check(in directory: String) throws {
    try require(try Files.readText(directory + "/line") == Self.line, "the line is not what was written")
    try require(try size(of: directory + "/blob") == 64, "the blob is not 64 MiB")
    let sum = try sum(in: directory)
    try require(try Files.readText(directory + "/sum") == sum, "64 MiB of data are not what was written")
    StepPrinter.print("the data is there: 64 MiB with SHA-256 \(sum.prefix(16))…, and \"\(Self.line.dropLast())\"")
  }

  func requireReadOnly(_ directory: String) throws {
    do throws(SystemError) {
      _ = try Descriptor.open(directory + "/attempt", O_WRONLY | O_CREAT, mode: 0o644)
    } catch {
      try require(error.errno == .readOnly, "writing failed otherwise: \(error)")
      StepPrinter.print("it cannot write: \(error)")
      return
    }
    throw DemoFailure("the pod can write, although its claim is read-only")
  }

  private func sum(in directory: String) throws -> String {
    String(try node.output("sha256sum", directory + "/blob").prefix { $0 != " " })
  }

  private func size(of path: String) throws -> Int {
    var status = stat()
    try require(stat(path, &status) == 0, "\(path) is not there")
    return Int(status.st_size) >> 20
  }
}
