/// The major and minor number of a device, makedev(3).
package struct DeviceNumber: Hashable, Sendable {
  /// The driver: 7 is loop, 253 usually the device mapper.
  package let major: UInt32
  /// The device of that driver.
  package let minor: UInt32

  package init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }

  /// Decodes a number of `st_dev` or `st_rdev`, stat(2): bits 8–19 and 32–63 are the major number, 0–7 and 20–31 the
  /// minor.
  package init(rawDevice: UInt64) {
    major = UInt32(truncatingIfNeeded: (rawDevice >> 8) & 0xfff | (rawDevice >> 32) & 0xffff_f000)
    minor = UInt32(truncatingIfNeeded: rawDevice & 0xff | (rawDevice >> 12) & 0xffff_ff00)
  }

  /// The encoding of stat(2).
  package var rawDevice: UInt64 {
    let major = UInt64(major)
    let minor = UInt64(minor)
    return (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12 | minor & 0xff
  }

  /// Parses the form of sysfs and mountinfo, `253:4`. Nil for other text, also with white space around it.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let major = Self.number(parts[0]), let minor = Self.number(parts[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  /// Accepts digits only: `UInt32(_:)` alone accepts a plus sign.
  private static func number(_ text: some StringProtocol) -> UInt32? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(text) : nil
  }
}

extension DeviceNumber: CustomStringConvertible {
  /// `253:4`.
  package var description: String { "\(major):\(minor)" }
}
