import LinuxSystem

/// The contents of a device, byte for byte.
enum Digest {
  static func of(_ device: String) throws -> String {
    String(try run("sha256sum", device).prefix { $0 != " " })
  }

  /// Those of several devices, in one process.
  static func of(_ devices: [String]) throws -> [String] {
    devices.isEmpty ? [] : try run("sha256sum", devices).split(separator: "\n").map { String($0.prefix { $0 != " " }) }
  }
}
