internal import LinuxSystem
internal import StorageModel

/// The name and UUID of a logical volume in the device mapper.
enum DeviceMapperName {
  /// Longest name (`DM_NAME_LEN` 128 with the terminating zero, Linux `dm-ioctl.h`).
  static let maximumLength = 127

  /// `group-volume`, with hyphens inside either part doubled (lvm2 `dm_build_dm_name`).
  static func name(group: String, volume: String) -> String {
    escaped(group) + "-" + escaped(volume)
  }

  static func path(group: String, volume: String) -> String {
    "/dev/mapper/" + name(group: group, volume: volume)
  }

  /// `LVM-` and both UUIDs without their hyphens (lvm2 `lib/activate/dev_manager.c`).
  static func uuid(group: String, volume: String) -> String {
    "LVM-" + String((group + volume).filter { $0 != "-" })
  }

  /// The volume's UUID in LVM's format, from a device's UUID; nil if the device is not of that group.
  static func volumeUUID(inDevice uuid: String, group: String) -> String? {
    let prefix = "LVM-" + String(group.filter { $0 != "-" })
    guard uuid.hasPrefix(prefix), uuid.utf8.count == prefix.utf8.count + 32 else { return nil }
    var rest = uuid.dropFirst(prefix.count)
    // lvm2 prints 32 characters as 6-4-4-4-4-4-6.
    return [6, 4, 4, 4, 4, 4, 6].map { length in
      defer { rest = rest.dropFirst(length) }
      return String(rest.prefix(length))
    }.joined(separator: "-")
  }

  /// The UUID of the device behind a node; nil if the node does not exist or is not a device-mapper device.
  static func deviceUUID(atPath path: String) -> String? {
    guard let number = try? BlockDevice.number(of: path) else { return nil }
    return BlockDevice.deviceMapperUUID(number)
  }

  /// Whether the kernel has a device of that UUID, with or without a node. Reads only /sys.
  static func exists(_ uuid: String) -> Bool {
    // If /sys cannot be listed, there is no device either.
    ((try? Files.list("/sys/block")) ?? []).contains { name in
      guard name.hasPrefix("dm-") else { return false }
      // The device may have disappeared meanwhile.
      return (try? Files.readText("/sys/block/\(name)/dm/uuid"))?.dropLast() == uuid[...]
    }
  }

  private static func escaped(_ name: String) -> String {
    name.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
  }
}
