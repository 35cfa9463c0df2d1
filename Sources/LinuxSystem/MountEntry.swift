/// One mount in /proc/self/mountinfo, proc(5).
package struct MountEntry: Hashable, Sendable {
  /// The ID of the mount. The kernel reuses it after an unmount.
  package let id: Int
  /// The ID of the parent mount. For stacked mounts that is the layer below.
  package let parentID: Int
  /// `st_dev` of the files in the mount. btrfs, overlay, tmpfs and others have an anonymous number, 0:N.
  package let device: DeviceNumber
  /// The directory of the file system that is mounted: `/`, or another one for a bind mount or a btrfs subvolume.
  package let root: String
  /// Whether that directory has been removed. The kernel then appends `//deleted`, which `root` omits.
  package let isRootDeleted: Bool
  /// The mount point as seen from this process's root, without a `//deleted` suffix.
  package let mountPoint: String
  /// Whether the mount point had the suffix `//deleted`: its directory was removed under the mount.
  package let isDeleted: Bool
  /// The options of this mount, such as `ro`, `nosuid` and `relatime`.
  package let options: [String]
  /// The number in `shared:N`: mounts made below this one appear in all mounts of that peer group. Nil for other
  /// mounts, mount_namespaces(7).
  package let peerGroup: Int?
  /// The number in `master:N`: mounts made in that peer group appear below this one, but not the reverse.
  package let masterGroup: Int?
  /// The file system type, such as `ext4`, `xfs`, `btrfs` or `tmpfs`.
  package let fileSystemType: String
  /// The source given to mount(2): a path for file systems on devices, any word for others.
  package let source: String
  /// The options of the file system. They are the same for all its mounts.
  package let superOptions: [String]

  /// Whether this mount is read-only. The file system can also be read-only itself, see `superOptions`.
  package var isReadOnly: Bool { options.contains("ro") }
}

extension MountEntry {
  /// Parses a line. Nil if it does not have this form:
  ///
  ///     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
  ///     |  |  |    |     |     |          |        | |    |         |
  ///     |  |  |    |     |     |          |        | |    |         super options
  ///     |  |  |    |     |     |          |        | |    source
  ///     |  |  |    |     |     |          |        | file system type
  ///     |  |  |    |     |     |          |        separator
  ///     |  |  |    |     |     |          optional fields, none or several
  ///     |  |  |    |     |     mount options
  ///     |  |  |    |     mount point
  ///     |  |  |    root
  ///     |  |  device
  ///     |  parent ID
  ///     mount ID
  init?(line: ArraySlice<UInt8>) {
    // An empty source leaves an empty field between two blanks.
    let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count >= 10, let dash = fields[6...].firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }),
      fields.count >= dash + 4, let id = Int(Self.plain(fields[0])), let parentID = Int(Self.plain(fields[1])),
      let device = DeviceNumber(Self.plain(fields[2]))
    else { return nil }
    self.id = id
    self.parentID = parentID
    self.device = device
    (root, isRootDeleted) = Self.path(fields[3])
    (mountPoint, isDeleted) = Self.path(fields[4])
    options = Self.list(fields[5])
    peerGroup = Self.group("shared:", among: fields[6..<dash])
    masterGroup = Self.group("master:", among: fields[6..<dash])
    fileSystemType = Self.decoded(fields[dash + 1])
    source = Self.decoded(fields[dash + 2])
    // Old kernels left blanks in super options (cifs). They belong to the last field.
    superOptions = Self.list(Array(fields[(dash + 3)...].joined(separator: [UInt8(ascii: " ")])))
  }

  private static func group(_ tag: String, among fields: ArraySlice<ArraySlice<UInt8>>) -> Int? {
    fields.map(plain).first { $0.hasPrefix(tag) }.flatMap { Int($0.dropFirst(tag.count)) }
  }

  private static func plain(_ field: ArraySlice<UInt8>) -> String { String(decoding: field, as: UTF8.self) }

  private static func list(_ field: some Collection<UInt8>) -> [String] {
    decoded(ArraySlice(field)).utf8.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
  }

  /// No real path has a double slash, so the suffix cannot be part of a name.
  private static func path(_ field: ArraySlice<UInt8>) -> (path: String, isDeleted: Bool) {
    let text = decoded(field)
    let suffix = Array("//deleted".utf8)
    guard text.utf8.suffix(suffix.count).elementsEqual(suffix) else { return (text, false) }
    return (String(decoding: text.utf8.dropLast(suffix.count), as: UTF8.self), true)
  }

  /// Decodes the octal escapes `\040` (blank), `\011` (tab), `\012` (newline), `\043` (#) and `\134` (backslash).
  static func decoded(_ field: ArraySlice<UInt8>) -> String {
    guard field.contains(UInt8(ascii: "\\")) else { return plain(field) }
    var bytes: [UInt8] = []
    var rest = field
    while let byte = rest.first {
      if byte == UInt8(ascii: "\\"), let value = octal(rest.dropFirst().prefix(3)) {
        bytes.append(value)
        rest = rest.dropFirst(4)
      } else {
        bytes.append(byte)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func octal(_ digits: ArraySlice<UInt8>) -> UInt8? {
    guard digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
    return UInt8(exactly: digits.reduce(0) { $0 << 3 | Int($1 - 0x30) })
  }
}
