internal import CBlkid
internal import Glibc
package import StorageModel

extension DeviceContents {
  /// Looks for signatures on a device or image file with libblkid, in this process. Blocks while it reads.
  ///
  /// LVM's internal devices (a pool's data, a mirror's leg) are `.other`. libblkid does not probe them and would call
  /// them empty.
  ///
  /// - Parameter identity: the known identity of a file system. It is looked for first, and only at its own place. A
  ///   pod can write data that looks like the end of a RAID member or like a backup partition table. libblkid would
  ///   report that instead of the file system that contains it.
  /// - Throws: the error of the open or of a read. A read error never counts as blank.
  package static func probe(
    _ path: String, knownAs identity: FileSystemIdentity? = nil
  ) throws(SystemError) -> DeviceContents {
    // An image file has no device number. The open below reports any other error of the path.
    if let number = try? BlockDevice.number(of: path), let uuid = BlockDevice.deviceMapperUUID(number),
      isPrivate(deviceMapperUUID: uuid)
    {
      return .other(kind: "internal device-mapper device \(uuid)")
    }
    let file = try Descriptor.open(path, O_RDONLY)
    if let identity, let known = try probe(file.rawValue, path, for: identity) { return known }
    return try Prober(path: path).contents(of: file.rawValue)
  }

  /// Probes one kind at a time: file data can also look like the superblock of another kind.
  private static func probe(
    _ descriptor: Int32, _ path: String, for identity: FileSystemIdentity
  ) throws(SystemError) -> DeviceContents? {
    for kind in FileSystemKind.allCases {
      let contents = try Prober(path: path).contents(of: descriptor, onlyAs: kind)
      if contents.bears(identity) { return contents }
    }
    return nil
  }

  /// Returns whether libblkid skips the device (sysfs_devno_is_dm_private of util-linux 2.38): `LVM-<uuid>-<part>` and
  /// Stratis's private devices.
  static func isPrivate(deviceMapperUUID uuid: String) -> Bool {
    if uuid.hasPrefix("stratis-1-private") { return true }
    guard uuid.hasPrefix("LVM-") else { return false }
    let rest = uuid.dropFirst(4)
    guard let dash = rest.lastIndex(of: "-") else { return false }
    return rest.index(after: dash) != rest.endIndex
  }
}

/// A libblkid probe of one open file.
private struct Prober: ~Copyable {
  private let probe: blkid_probe
  private let path: String

  init(path: String) throws(SystemError) {
    guard let probe = blkid_new_probe() else {
      throw SystemError(operation: "probe", subject: path, errno: .noMemory)
    }
    self.probe = probe
    self.path = path
  }

  deinit { blkid_free_probe(probe) }

  /// - Parameter kind: the only file system to look for, without partition tables. Nil looks for everything.
  func contents(
    of descriptor: Int32, onlyAs kind: FileSystemKind? = nil
  ) throws(SystemError) -> DeviceContents {
    try prepare(descriptor)
    if let kind { try restrict(to: kind) }
    errno = 0
    switch blkid_do_safeprobe(probe) {
    case 0: return found()
    case 1: return .blank
    case -2: return .ambivalent(everything())
    default: throw failure(.current)
    }
  }

  private func prepare(_ descriptor: Int32) throws(SystemError) {
    errno = 0
    // Offset 0 and size 0 mean the whole device.
    guard blkid_probe_set_device(probe, descriptor, 0, 0) == 0 else { throw failure(.current) }
    let wanted = [
      BLKID_SUBLKS_TYPE, BLKID_SUBLKS_USAGE, BLKID_SUBLKS_UUID, BLKID_SUBLKS_LABEL, BLKID_SUBLKS_BADCSUM,
    ]
    blkid_probe_enable_superblocks(probe, 1)
    blkid_probe_set_superblocks_flags(probe, wanted.reduce(0, |))
    blkid_probe_enable_partitions(probe, 1)
    // A backup GPT also counts if the primary GPT or its protective MBR is gone.
    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_FORCE_GPT)
  }

  private func restrict(to kind: FileSystemKind) throws(SystemError) {
    var names = [strdup(kind.rawValue), nil]
    defer { for name in names { free(name) } }
    errno = 0
    guard blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, &names) == 0,
      blkid_probe_enable_partitions(probe, 0) == 0
    else { throw failure(.current) }
  }

  /// Returns what safeprobe found: at most one superblock and at most one partition table.
  private func found() -> DeviceContents {
    let table = value("PTTYPE")
    guard let type = value("TYPE") else { return .other(kind: table ?? "an unknown signature") }
    if let table { return .ambivalent("\(type), partition table \(table)") }
    if value("SBBADCSUM") != nil { return .other(kind: "\(type) with a bad checksum") }
    guard value("USAGE") == "filesystem" else { return .other(kind: type) }
    return .fileSystem(type: type, uuid: value("UUID"), label: value("LABEL"))
  }

  /// Lists all signatures, for a message.
  private func everything() -> String {
    blkid_reset_probe(probe)
    var names: [String] = []
    // Every step moves on to the next kind of signature. The bound holds even if libblkid did not.
    while names.count < 16, blkid_do_probe(probe) == 0 {
      names.append(value("TYPE") ?? value("PTTYPE").map { "partition table \($0)" } ?? "unknown")
    }
    return names.isEmpty ? "several" : names.joined(separator: ", ")
  }

  private func value(_ name: String) -> String? {
    var data: UnsafePointer<CChar>?
    guard blkid_probe_lookup_value(probe, name, &data, nil) == 0, let data else { return nil }
    return String(cString: data)
  }

  /// libblkid returns -1 and sets errno in some cases only.
  private func failure(_ reason: Errno) -> SystemError {
    SystemError(operation: "probe", subject: path, errno: reason.rawValue == 0 ? .ioError : reason)
  }
}
