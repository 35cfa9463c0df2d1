import Glibc
import LinuxSystem

/// A volume group on the lab's disks, and what an administrator does with it: all through LVM's own programs.
final class VolumeGroup: Sendable {
  /// One logical volume as `lvs` shows it.
  struct Volume: Equatable, CustomStringConvertible {
    let name: String
    let size: UInt64
    let tags: [String]
    let layout: String
    let uuid: String

    var isOurs: Bool { tags.contains("elastic-local") }
    var description: String { "\(name) \(size) [\(tags.joined(separator: ","))]" }
  }

  static let thinPool = "pool"

  let name: String
  private let disks: [String]

  /// Makes the group; `thinPool` is the size of one in it, as lvcreate takes it.
  init(
    named name: String? = nil, disks: [String] = Lab.disks, metadataSize: String = "8m", thinPool: String? = nil
  ) throws {
    let name = name ?? "lab-vg\(Scratch.number())"
    self.name = name
    self.disks = disks
    for disk in disks { try Self.clear(disk) }
    try run("vgcreate", ["-q", "-q", "-y", "--metadatasize", metadataSize, name] + disks)
    guard let thinPool else { return }
    try run("lvcreate", "-q", "-q", "--type", "thin-pool", "--zero", "y", "-L", thinPool, "-n", Self.thinPool, name)
  }

  /// A group that an earlier boot has made.
  init(existing name: String, disks: [String]) {
    self.name = name
    self.disks = disks
  }

  /// Takes the group apart, whatever is in it.
  func destroy() throws {
    _ = try attempt("vgremove", ["-q", "-q", "-ff", "-y", name])
    for disk in disks { try Self.clear(disk) }
  }

  /// Overwrites a disk's label, so that the next group finds it empty.
  private static func clear(_ disk: String) throws {
    try overwrite(disk, with: [UInt8](repeating: 0, count: 64 << 10), at: 0)
  }

  // MARK: looking

  func volumes() throws -> [Volume] {
    let columns = "lv_name,lv_size,lv_layout,lv_uuid,lv_tags"
    let text = try run(
      "lvs", "--noheadings", "--separator", "|", "--units", "b", "--nosuffix", "-o", columns, name)
    return text.split(separator: "\n").compactMap { line in
      let fields = line.drop { $0 == " " }.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 5, let size = UInt64(fields[1]) else { return nil }
      return Volume(
        name: fields[0], size: size, tags: fields[4].split(separator: ",").map(String.init), layout: fields[2],
        uuid: fields[3])
    }
  }

  func volume(_ name: String) throws -> Volume? { try volumes().first { $0.name == name } }

  func freeBytes() throws -> UInt64 {
    let text = try run("vgs", "--noheadings", "--units", "b", "--nosuffix", "-o", "vg_free", name)
    return UInt64(text.filter(\.isNumber)) ?? 0
  }

  /// Where the device mapper has the volume.
  func device(_ volume: String) -> String {
    func escaped(_ text: String) -> String {
      text.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
    }
    return "/dev/mapper/\(escaped(name))-\(escaped(volume))"
  }

  // MARK: changing

  /// Makes a volume as an administrator would, without our tags unless given. What a former tenant left is wiped, unless
  /// it is to be as if lvcreate had been killed before that.
  @discardableResult
  func create(_ volume: String, mebibytes: Int, tags: [String] = [], wiping: Bool = true) throws -> String {
    let tagging = tags.flatMap { ["--addtag", $0] }
    let clearing = wiping ? ["-Wy"] : ["-Wn", "-Zn"]
    try run("lvcreate", ["-q", "-q", "-y"] + clearing + ["-n", volume, "-L", "\(mebibytes)m"] + tagging + [name])
    return device(volume)
  }

  func remove(_ volume: String) throws { try run("lvremove", "-q", "-q", "-f", "-y", "\(name)/\(volume)") }

  func tag(_ volume: String, adding: [String] = [], removing: [String] = []) throws {
    let words = adding.flatMap { ["--addtag", $0] } + removing.flatMap { ["--deltag", $0] }
    try run("lvchange", ["-q", "-q"] + words + ["\(name)/\(volume)"])
  }

  /// What a reboot does to the group.
  func deactivate() throws { try run("vgchange", "-q", "-q", "-an", name) }
}
