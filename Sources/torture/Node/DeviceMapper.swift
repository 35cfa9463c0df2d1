import Glibc
import LinuxSystem

/// Device-mapper operations without a process of dmsetup(8).
enum DeviceMapper {
  /// Sends a message to a device's target: `DM_TARGET_MSG` of ioctl(2) with `struct dm_ioctl`, Linux
  /// include/uapi/linux/dm-ioctl.h. Blocks as long as the target does.
  static func sendMessage(_ device: String, _ message: String) throws {
    var bytes = [UInt8](repeating: 0, count: headerSize)
    func put(_ value: UInt32, at offset: Int) {
      withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
    put(4, at: 0)  // the interface's version
    put(UInt32(headerSize), at: 16)  // the offset of the message
    bytes.replaceSubrange(48..<48 + device.utf8.count, with: device.utf8)
    bytes += [UInt8](repeating: 0, count: 8) + Array(message.utf8) + [0]
    put(UInt32(bytes.count), at: 12)
    let control = try Descriptor.open("/dev/mapper/control", O_RDWR)
    let number = control.rawValue
    let result = bytes.withUnsafeMutableBytes { buffer in
      buffer.baseAddress.map { ioctl(number, targetMessage, $0) } ?? -1
    }
    guard result >= 0 else {
      throw SystemError(operation: "send \"\(message)\" to", subject: device, errno: .current)
    }
  }

  private static let headerSize = 312
  /// `_IOWR(0xfd, 14, struct dm_ioctl)`.
  private static let targetMessage: UInt = 3 << 30 | UInt(headerSize) << 16 | 0xfd << 8 | 14

  /// The names of all devices, from sysfs.
  static func names() throws -> [String] {
    try Files.list("/sys/block").compactMap { name in
      guard let text = try? Files.readText("/sys/block/\(name)/dm/name") else { return nil }
      return String(text.dropLast())
    }
  }

  /// The device-mapper name of a logical volume.
  static func name(group: String, volume: String) -> String {
    func escaped(_ text: String) -> String {
      text.split(separator: "-", omittingEmptySubsequences: false).joined(separator: "--")
    }
    return "\(escaped(group))-\(escaped(volume))"
  }
}
