import Glibc
import LinuxSystem

/// Computes the disk after a power cut, outside of the machine: the disk at the machine's start, and as much of the
/// later writes as `Keeping` says.
struct Replay {
  /// The disk at the machine's start. The replay changes it to the disk after the cut.
  let image: String
  let log: String
  let keeping: Strike.Keeping
  var dice: Dice

  /// The name of the marks for acknowledgements in the log. Nothing before the last one may be lost.
  static let mark = "acknowledged"

  /// Runs the replay. Returns a sentence about what was kept.
  mutating func run() throws -> String {
    let entries = try readAll()
    let kept = keeping == .torn ? torn(entries) : Array(entries.indices)
    let disk = try Descriptor.open(image, O_WRONLY)
    let reader = try WriteLog(path: log, isLive: false)
    for index in kept { try write(entries[index], of: reader, to: disk) }
    guard fsync(disk.rawValue) == 0 else { throw SystemError(operation: "fsync", subject: image, errno: .current) }
    return "\(kept.count) of \(entries.count) flushed writes and flushes are on the disk"
  }

  private func readAll() throws -> [WriteLog.Entry] {
    var reader = try WriteLog(path: log, isLive: false)
    let whole = try reader.wholeEntries()
    var entries: [WriteLog.Entry] = []
    while let entry = try reader.next(of: whole) { entries.append(entry) }
    return entries
  }

  /// All entries up to a moment after the last acknowledgement, and any part of what was not flushed by that moment.
  private mutating func torn(_ entries: [WriteLog.Entry]) -> [Int] {
    let acknowledged = (entries.lastIndex { $0.text.hasPrefix(Self.mark) } ?? -1) + 1
    let end = acknowledged + dice.below(entries.count - acknowledged + 1)
    let safe = (entries[..<end].lastIndex { $0.isFlush || $0.isForced } ?? -1) + 1
    return Array(0..<safe) + (safe..<end).filter { _ in dice.percent(50) }
  }

  private func write(_ entry: WriteLog.Entry, of reader: borrowing WriteLog, to disk: borrowing Descriptor) throws {
    // The content after a discard is undefined, so the old bytes are valid.
    guard entry.sectors > 0, !entry.isDiscard else { return }
    let bytes = try reader.data(of: entry)
    let offset = off_t(entry.sector) * off_t(WriteLog.sectorSize)
    let number = disk.rawValue
    let written = bytes.withUnsafeBytes { pwrite(number, $0.baseAddress, $0.count, offset) }
    guard written == bytes.count else { throw SystemError(operation: "write", subject: image, errno: .current) }
  }
}
