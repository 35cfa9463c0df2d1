/// The keys of a node's limits on the number of volumes.
public enum VolumeLimitKey {
  /// The longest name of a resource, in characters.
  public static let longest = 63
  private static let prefix = "attachable-volumes-csi-"

  /// Returns a driver's key: `attachable-volumes-csi-<driver>`. If that is too long, the driver is replaced by its
  /// first 23 characters and 16 characters of its SHA-1.
  public static func driver(_ name: String) -> String {
    let key = prefix + name
    guard key.utf8.count > longest else { return key }
    let digest = SHA1.hash(Array(name.utf8)).prefix(8)
    return prefix + name.prefix(23) + digest.map(Self.hexadecimal).joined()
  }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// Returns whether one more volume is allowed. A key without a limit allows any number.
  public static func isBelowLimit(for key: String, used: Int64, limits: [String: Int64]) -> Bool {
    limits[key].map { used < $0 } ?? true
  }
}
