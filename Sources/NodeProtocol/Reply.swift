package import JSON
package import StorageModel

/// One reply: the object kubelet reads (kubelet `pkg/volume/flexvolume/driver-call.go`, `DriverStatus`), and for our own
/// tool a report beside it.
package struct Reply: FieldObject {
  package var status = ""
  package var message: String?
  /// Path of the device; only for `waitforattach`.
  package var device: String?
  package var attached: Bool?
  /// What the directory of a `mount` or `mountdevice` shows where the daemon is (``DirectoryView``): the client says whether
  /// kubelet sees the same. Nil where nothing is really mounted.
  package var shown: String?
  package var capabilities: Capabilities?
  package var report: DaemonStatus?

  /// Every capability is stated, so that no version of kubelet falls back to a default of its own.
  package struct Capabilities: FieldObject {
    package var attach = false
    package var fsGroup = true
    package var selinuxRelabel = true
    package var supportsMetrics = true
    package var requiresFSResize = true

    package init() {}
    package init(attach: Bool) { self.attach = attach }

    package static let fields: [Field<Capabilities>] = [
      Field("attach", \.attach), Field("fsGroup", \.fsGroup), Field("requiresFSResize", \.requiresFSResize),
      Field("selinuxRelabel", \.selinuxRelabel), Field("supportsMetrics", \.supportsMetrics),
    ]
  }

  package static let fields: [Field<Reply>] = [
    Field("attached", \.attached), Field("capabilities", \.capabilities), Field("device", \.device),
    Field("message", \.message), Field("report", \.report), Field("shown", \.shown), Field("status", \.status),
  ]

  package init() {}

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
    return safe.json.encoded + [0x0A]
  }

  /// By bytes: with an accent over it the sign would be another character.
  private static func withoutPercent(_ text: String) -> String {
    let parts = text.utf8.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
    return String(decoding: Array(parts.joined(separator: " percent".utf8)), as: UTF8.self)
  }

  /// - Throws: `unavailable` for what is no reply.
  package init(decoding bytes: [UInt8]) throws(VolumeError) {
    let found: Reply?
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: bytes)
      found = try Reply.read(&json)
      try json.end()
    } catch {
      throw VolumeError(.unavailable, "the daemon's reply of \(bytes.count) bytes is no reply", cause: error)
    }
    guard let found, !found.status.isEmpty else {
      throw VolumeError(.unavailable, "the daemon's reply of \(bytes.count) bytes has no status")
    }
    self = found
  }
}
