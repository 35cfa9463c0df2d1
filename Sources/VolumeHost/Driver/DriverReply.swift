/// A driver's reply, decoded as Go decodes it.
public struct DriverReply: Hashable, Sendable {
  /// `Success` and `Not supported` in exactly this spelling. Any other text is a failure.
  public var status = ""
  /// The message for the error of a failure.
  public var message = ""
  /// The device, from attach and waitforattach.
  public var device = ""
  /// The volume's name. Every release decodes and ignores it.
  public var volumeName = ""
  /// Whether the volume is attached, from isattached.
  public var attached = false
  /// The capabilities, from init: the defaults, changed by what the driver said. Nil for `"capabilities": null`, on
  /// which a real kubelet crashes.
  public var capabilities: DriverCapabilities? = DriverCapabilities()
  /// The new size. Decoded and never used.
  public var volumeNewSize: Int64 = 0

  /// Creates an empty reply.
  public init() {}

  /// Whether the status is success.
  public var isSuccess: Bool { status == "Success" }
  /// Whether the driver does not have the command.
  public var isNotSupported: Bool { status == "Not supported" }
}

extension DriverReply {
  /// Decodes a driver's whole output. Keys match in any case and unknown keys are ignored. `null` leaves a value
  /// unchanged.
  ///
  /// - Throws: a `JSONError` for a value of the wrong type, and for any byte around the one JSON value that is not
  ///   white space.
  init(parsing output: String) throws(JSONError) {
    let value = try JSONParser.parse(output)
    if value == .null { return }
    guard case .object(let members) = value else {
      throw JSONError("json: cannot unmarshal \(value.kind) into Go value of type flexvolume.DriverStatus")
    }
    var mismatch: JSONError?
    for member in members {
      do throws(JSONError) { try set(member) } catch { mismatch = mismatch ?? error }
    }
    if let mismatch { throw mismatch }
  }

  private static let fields = [
    "status", "message", "device", "volumeName", "attached", "capabilities", "volumeNewSize",
  ]

  private mutating func set(_ member: JSONValue.Member) throws(JSONError) {
    guard let field = FoldedKey.match(member.key, in: Self.fields) else { return }
    let place = GoField(structure: "DriverStatus", path: field)
    switch field {
    case "status": try place.decode(member.value, into: &status)
    case "message": try place.decode(member.value, into: &message)
    case "device": try place.decode(member.value, into: &device)
    case "volumeName": try place.decode(member.value, into: &volumeName)
    case "attached": try place.decode(member.value, into: &attached)
    case "capabilities": try setCapabilities(member.value)
    default: try place.decode(member.value, into: &volumeNewSize)
    }
  }

  private mutating func setCapabilities(_ value: JSONValue) throws(JSONError) {
    switch value {
    case .null: capabilities = nil
    case .object(let members):
      var result = capabilities ?? DriverCapabilities(all: false)
      var mismatch: JSONError?
      for member in members {
        do throws(JSONError) { try result.set(member) } catch { mismatch = mismatch ?? error }
      }
      capabilities = result
      if let mismatch { throw mismatch }
    default:
      throw GoField(structure: "DriverStatus", path: "capabilities").mismatch(
        value.kind, "flexvolume.DriverCapabilities")
    }
  }
}

extension DriverCapabilities {
  private static let fields = ["attach", "selinuxRelabel", "supportsMetrics", "fsGroup", "requiresFSResize"]

  fileprivate init(all value: Bool) {
    (attach, selinuxRelabel, supportsMetrics, fsGroup, requiresFSResize) = (value, value, value, value, value)
  }

  fileprivate mutating func set(_ member: JSONValue.Member) throws(JSONError) {
    guard let field = FoldedKey.match(member.key, in: Self.fields) else { return }
    let place = GoField(structure: "DriverCapabilities", path: "capabilities." + field)
    switch field {
    case "attach": try place.decode(member.value, into: &attach)
    case "selinuxRelabel": try place.decode(member.value, into: &selinuxRelabel)
    case "supportsMetrics": try place.decode(member.value, into: &supportsMetrics)
    case "fsGroup": try place.decode(member.value, into: &fsGroup)
    default: try place.decode(member.value, into: &requiresFSResize)
    }
  }
}

/// A field of a Go structure that receives a JSON value.
private struct GoField {
  let structure: String
  let path: String

  func decode(_ value: JSONValue, into target: inout String) throws(JSONError) {
    if case .string(let text) = value { target = text } else { try refuse(value, "string") }
  }

  func decode(_ value: JSONValue, into target: inout Bool) throws(JSONError) {
    if case .bool(let flag) = value { target = flag } else { try refuse(value, "bool") }
  }

  func decode(_ value: JSONValue, into target: inout Int64) throws(JSONError) {
    guard case .number(let text) = value else { return try refuse(value, "int64") }
    guard let number = Int64(text) else { throw mismatch("number \(text)", "int64") }
    target = number
  }

  private func refuse(_ value: JSONValue, _ type: String) throws(JSONError) {
    if value != .null { throw mismatch(value.kind, type) }
  }

  func mismatch(_ kind: String, _ type: String) -> JSONError {
    JSONError("json: cannot unmarshal \(kind) into Go struct field \(structure).\(path) of type \(type)")
  }
}

/// Compares keys as Go does: in any case, with the two letters that Unicode folds to k and s.
private enum FoldedKey {
  static func match(_ key: String, in fields: [String]) -> String? {
    fields.contains(key) ? key : fields.first { fold($0) == fold(key) }
  }

  private static func fold(_ key: String) -> [Unicode.Scalar] {
    key.unicodeScalars.map { scalar in
      switch scalar {
      case "\u{212a}": "k"
      case "\u{17f}": "s"
      case "A"..."Z": Unicode.Scalar(UInt8(scalar.value) + 32)
      default: scalar
      }
    }
  }
}
