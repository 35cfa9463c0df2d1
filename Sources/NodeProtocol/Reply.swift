internal import FoundationEssentials
package import StorageModel

/// One reply: the object kubelet reads (kubelet `pkg/volume/flexvolume/driver-call.go`, `DriverStatus`), and for our own
/// tool a report beside it.
package struct Reply: Sendable, Codable {
  package var status: String
  package var message: String?
  /// Path of the device; only for `waitforattach`.
  package var device: String?
  package var attached: Bool?
  /// What the directory of a `mount` or `mountdevice` shows where the daemon is (``DirectoryView``): the client says whether
  /// kubelet sees the same. Nil where nothing is really mounted.
  package var shown: String?
  package var capabilities: Capabilities?
  package var report: NodeReport?

  /// Every capability is stated, so that no version of kubelet falls back to a default of its own.
  package struct Capabilities: Sendable, Codable {
    package var attach: Bool
    package var fsGroup = true
    package var selinuxRelabel = true
    package var supportsMetrics = true
    package var requiresFSResize = true

    package init(attach: Bool) { self.attach = attach }
  }

  package init(_ status: FlexStatus, message: String? = nil) {
    self.status = status.rawValue
    self.message = message
  }

  package static let success = Reply(.success)

  package static func device(_ path: String) -> Reply {
    var reply = Reply(.success)
    reply.device = path
    return reply
  }

  /// The reply to a failure, by the one table.
  package init(_ error: VolumeError) {
    self.init(ErrorPolicy.policy(for: error.code).flexStatus, message: error.message)
  }

  package var isSuccess: Bool { status == FlexStatus.success.rawValue }

  /// The frame as sent, newline included. `%` is written out: kubelet 1.20 feeds messages to a format function.
  package func encoded() -> [UInt8] {
    var safe = self
    safe.message = message.map(Self.withoutPercent)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    guard let data = try? encoder.encode(safe) else {
      // Only a number that is no number can fail to encode; the caller must get an answer even so.
      return Array(#"{"message":"the reply can not be encoded","status":"Failure"}"#.utf8) + [0x0A]
    }
    return Array(data) + [0x0A]
  }

  /// By bytes: with an accent over it the sign would be another character.
  private static func withoutPercent(_ text: String) -> String {
    let parts = text.utf8.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
    return String(decoding: Array(parts.joined(separator: " percent".utf8)), as: UTF8.self)
  }

  /// - Throws: `unavailable` for what is no reply.
  package init(decoding bytes: [UInt8]) throws(VolumeError) {
    do {
      self = try JSONDecoder().decode(Reply.self, from: Data(bytes))
    } catch {
      throw VolumeError(.unavailable, "the daemon's reply of \(bytes.count) bytes is no reply", cause: error)
    }
  }
}
