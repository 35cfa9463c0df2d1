internal import FoundationEssentials
package import StorageModel

/// One request: the arguments of the flex client, verbatim.
///
/// On the wire it is one JSON object and a newline: `{"version":1,"arguments":["unmount","/var/lib/…"]}`. Keys that are
/// not known are ignored, so that a newer client can say more.
package struct Request: Sendable, Hashable {
  /// Raised only when an older daemon could not serve the request rightly.
  package static let currentVersion = 1

  /// The largest frame either side takes, without its newline.
  package static let maximumSize = 1 << 20

  package let version: Int
  package let arguments: [String]
  /// Whether the caller says after a mount whether it sees it: see ``Confirmation``. Clients of release 0.1.0 do not.
  package let confirms: Bool

  package init(_ arguments: [String], version: Int = Request.currentVersion, confirms: Bool = false) {
    self.version = version
    self.arguments = arguments
    self.confirms = confirms
  }

  /// - Throws: `invalid` for what is no request, `unavailable` for a version we do not speak.
  package init(decoding bytes: [UInt8]) throws(VolumeError) {
    let wire: Wire
    do {
      wire = try JSONDecoder().decode(Wire.self, from: Data(bytes))
    } catch {
      // The decoder's text can quote the document, and with it a secret: say only what it is.
      throw VolumeError(.invalid, "the request of \(bytes.count) bytes is not a JSON object with version and arguments")
    }
    guard wire.version == Self.currentVersion else {
      throw VolumeError(
        .unavailable,
        "the request has version \(wire.version), this daemon speaks version \(Self.currentVersion); "
          + "bring client and daemon to the same release")
    }
    version = wire.version
    arguments = wire.arguments
    confirms = wire.confirms ?? false
  }

  /// The frame as sent, newline included.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return Array(try encoder.encode(Wire(version: version, arguments: arguments, confirms: confirms ? true : nil))) + [
      0x0A
    ]
  }

  private struct Wire: Codable {
    var version: Int
    var arguments: [String]
    var confirms: Bool?
  }
}
