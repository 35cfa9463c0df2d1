internal import JSON
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
    guard let wire = Wire(bytes), let version = wire.version, let arguments = wire.arguments else {
      // Nothing of the document is shown: it can hold a secret.
      throw VolumeError(.invalid, "the request of \(bytes.count) bytes is not a JSON object with version and arguments")
    }
    guard version == Self.currentVersion else {
      throw VolumeError(
        .unavailable,
        "the request has version \(version), this daemon speaks version \(Self.currentVersion); "
          + "bring client and daemon to the same release")
    }
    self.init(arguments, version: version, confirms: wire.confirms)
  }

  /// The frame as sent, newline included.
  package func encoded() -> [UInt8] {
    let value = JSONValue.members([
      "arguments": .array(arguments.map { .string($0) }), "confirms": confirms ? true : nil,
      "version": .number(Int64(version)),
    ])
    return value.encoded + [0x0A]
  }
}

/// The members of a request, as far as they are of the type that they should be.
private struct Wire {
  var version: Int?
  var arguments: [String]?
  var confirms = false

  /// Nil for what is no JSON object, and for one whose ``confirms`` is no answer.
  init?(_ bytes: [UInt8]) {
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: bytes)
      guard try json.beginObject() else { return nil }
      while let key = try json.nextKey() {
        switch key {
        case "version": version = try json.integer().map { Int($0) }
        case "arguments": arguments = try Self.strings(&json)
        case "confirms":
          guard try !json.null() else { continue }
          guard let flag = try json.bool() else { return nil }
          confirms = flag
        default: break
        }
      }
      try json.end()
    } catch {
      return nil
    }
  }

  /// Nil unless all elements are strings.
  private static func strings(_ json: inout JSONReader) throws(JSONSyntaxError) -> [String]? {
    guard try json.beginArray() else { return nil }
    var strings: [String]? = []
    while try json.nextElement() {
      if let string = try json.string() { strings?.append(string) } else { strings = nil }
    }
    return strings
  }
}
