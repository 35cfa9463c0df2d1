internal import CCrypto

/// SHA-256 by libcrypto.
enum Digest {
  /// The first 32 hexadecimal digits of the SHA-256 of a text's UTF-8 bytes, in lower case.
  ///
  /// - Throws: `digestUnavailable`.
  static func digits(of text: String) throws(VolumeDirectoryError) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let bytes = Array(text.utf8)
    // The corresponding C function is SHA256(3ssl).
    guard SHA256(bytes, bytes.count, &digest) != nil else { throw .digestUnavailable }
    return digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
