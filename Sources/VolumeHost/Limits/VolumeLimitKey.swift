/// The keys by which a node says how many volumes of a kind it can have.
public enum VolumeLimitKey {
  /// How long a resource's name may be.
  public static let longest = 63
  private static let prefix = "attachable-volumes-csi-"

  /// A driver's key: `attachable-volumes-csi-<driver>`, or where that is too long its first 23 characters and 16 of its SHA-1.
  public static func driver(_ name: String) -> String {
    let key = prefix + name
    guard key.utf8.count > longest else { return key }
    let digest = SHA1.hash(Array(name.utf8)).prefix(8)
    return prefix + name.prefix(23) + digest.map(Self.hexadecimal).joined()
  }

  private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// Whether one more volume fits: a key without a limit has room for any number.
  public static func hasRoom(for key: String, used: Int64, limits: [String: Int64]) -> Bool {
    limits[key].map { used < $0 } ?? true
  }
}
