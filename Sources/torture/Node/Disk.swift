import Glibc
import LinuxSystem
import StorageModel
import Synchronization

/// The machine's one disk, divided into the daemon's state, the kubelet's directories and LVM's physical volume. Below
/// them is a log of every write, so all three lose their power at the same moment.
///
///     /dev/mapper/lab-state   lab-kubelet   lab-pv      linear
///                                       below-pv    linear
///     /dev/mapper/lab-disk                              log-writes
///     disk                                  log
final class Disk: Sendable {
  private let disk: String
  private let log: String

  static let state = "/dev/mapper/lab-state"
  static let kubelet = "/dev/mapper/lab-kubelet"
  static let physical = "/dev/mapper/lab-pv"
  /// A device below the physical volume that can hang, because LVM ignores a suspended physical volume. LVM never sees
  /// a device of this name in the lab.
  private static let belowPhysical = "/dev/mapper/below-pv"

  private static let whole = "/dev/mapper/lab-disk"
  /// Sectors per part: 64 MiB.
  private static let part = 131_072

  init(disk: String, log: String) {
    self.disk = disk
    self.log = log
  }

  func assemble() async throws {
    let sectors = Int(try BlockDevice.size(of: disk).bytes) / WriteLog.sectorSize
    try await Shell.run("modprobe", "-a", "dm-log-writes", "dm-flakey")
    try await create("lab-disk", "0 \(sectors) log-writes \(disk) \(log)")
    try await create("lab-state", "0 \(Self.part) linear \(Self.whole) 0")
    try await create("lab-kubelet", "0 \(Self.part) linear \(Self.whole) \(Self.part)")
    try await create("below-pv", "0 \(try Self.physicalSectors(disk)) linear \(Self.whole) \(2 * Self.part)")
    try await create("lab-pv", try Self.physicalTable(disk))
  }

  private func create(_ name: String, _ table: String) async throws {
    try await Shell.run("dmsetup", "create", name, "--table", table)
  }

  private static func physicalTable(_ disk: String) throws -> String {
    "0 \(try physicalSectors(disk)) linear \(belowPhysical) 0"
  }

  private static func physicalSectors(_ disk: String) throws -> Int {
    Int(try BlockDevice.size(of: disk).bytes) / WriteLog.sectorSize - 2 * part
  }

  // MARK: errors

  /// From now on LVM's disk answers with errors.
  func fail(writesOnly: Bool) async throws {
    let sectors = try Self.physicalSectors(disk)
    // Up for 0 s, down for a day.
    let flaky = "0 \(sectors) flakey \(Self.belowPhysical) 0 0 86400 1 error_writes"
    try await exchange(writesOnly ? flaky : "0 \(sectors) error")
  }

  func recover() async throws { try await exchange(try Self.physicalTable(disk)) }

  // MARK: hanging

  /// From now on LVM's disk does not answer.
  func suspend() async throws { try await Shell.run("dmsetup", "suspend", "--noflush", "--nolockfs", "below-pv") }
  func resume() async throws { try await Shell.run("dmsetup", "resume", "below-pv") }

  private func exchange(_ table: String) async throws {
    try await Shell.run("dmsetup", "load", "lab-pv", "--table", table)
    try await Shell.run("dmsetup", "suspend", "--noflush", "--nolockfs", "lab-pv")
    try await Shell.run("dmsetup", "resume", "lab-pv")
  }

  // MARK: acknowledgements

  /// Waits until everything that is safe on the disk is safe in the log too, so that every power cut keeps it. `kind`
  /// is one word.
  func mark(_ kind: String) async throws {
    let text = "\(kind)-\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
    try DeviceMapper.sendMessage("lab-disk", "mark \(text)")
    let limit = MonotonicClock.now() + .seconds(30)
    while try !isInLog(text) {
      guard MonotonicClock.now() < limit else {
        throw TortureError("mark \(text) does not get into the log of writes; is \(log) full?")
      }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// Continues to read at the last position.
  private func isInLog(_ mark: String) throws -> Bool {
    try reader.withLock { known throws in
      let position = try known ?? LogPosition(path: log)
      known = position
      return try position.hasPassed(mark)
    }
  }

  private let reader = Lock<LogPosition?>(nil)
  private let count = Atomic<Int>(0)
}
