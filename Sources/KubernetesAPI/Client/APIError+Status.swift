internal import JSON
internal import LinuxSystem
internal import StorageModel

extension APIError {
  /// Creates the error of an error reply. Its body is a `Status` object, or the text of a proxy.
  ///
  /// - Parameter now: this machine's clock. If the server's clock differs and that explains the refusal, the message
  ///   says so.
  init(_ head: HTTPHead, _ body: [UInt8], now: Timestamp) {
    self.init(.other, "")
    var json = JSONReader(body)
    do throws(JSONSyntaxError) {
      try readStatus(&json)
    } catch {
      // The body is not a `Status`, so it is the text of a proxy. Only its beginning is shown.
      message = body.isEmpty ? "" : quoted(String(decoding: body.prefix(200), as: UTF8.self))
    }
    code = head.status
    if let seconds = head.fields["retry-after"].flatMap({ Int64($0) }), seconds >= 0 {
      retryAfter = .seconds(seconds)
    }
    kind = Self.kind(code, reason)
    if message.isEmpty { message = "HTTP status \(code)" }
    if kind == .unauthorized { message = Self.unauthorized(head, now) }
    // The server sends 429 before it does anything. After 5xx it is unknown whether it did, and also after 408, which a
    // proxy may send.
    mayHaveHappened = code >= 500 || code == 408
  }

  /// Creates the error of a `Status` in a watch event.
  init(status json: inout JSONReader) throws(JSONSyntaxError) {
    self.init(.other, "")
    try readStatus(&json)
    kind = Self.kind(code, reason)
    if message.isEmpty { message = "the watch ended with status \(code) \(reason)" }
  }

  private static func kind(_ code: Int, _ reason: String) -> Kind {
    switch (code, reason) {
    case (404, _): .notFound
    case (409, "AlreadyExists"): .alreadyExists
    case (409, _), (412, _): .conflict
    case (422, _): .invalid
    case (400, _), (405, _), (406, _), (413, _), (415, _): .badRequest
    case (401, _): .unauthorized
    case (403, _): .forbidden
    case (410, _), (_, "Expired"), (_, "Gone"): .expired
    case (429, _): .tooManyRequests
    case (408, _), (500..., _): .unavailable
    default: .other
    }
  }

  /// The server gives no reason, because a reason would help an attacker. The client can compare the clocks.
  private static func unauthorized(_ head: HTTPHead, _ now: Timestamp) -> String {
    let text =
      "the API server does not accept our credentials (401 Unauthorized): the token or client certificate has "
      + "expired, was issued for another cluster, or its service account is gone"
    guard let date = head.fields["date"].flatMap({ Timestamp(httpDate: $0) }) else { return text }
    let difference = date.seconds - now.seconds
    guard abs(difference) > 300 else { return "\(text). Both clocks agree: renew the credentials" }
    return "\(text). The server's clock says \(date.rfc3339), this machine's \(now.rfc3339), a difference of "
      + "\(abs(difference) / 60) minutes: set the clock that is wrong"
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "code": code = Int(try json.integer() ?? 0)
      case "reason": reason = try json.string() ?? ""
      case "message": message = try json.string() ?? ""
      case "details": try readDetails(&json)
      default: break
      }
    }
  }

  private mutating func readDetails(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "retryAfterSeconds":
        if let seconds = try json.integer(), seconds > 0 { retryAfter = .seconds(seconds) }
      case "causes": causes = try json.array(Cause.init)
      default: break
      }
    }
  }
}

extension APIError.Cause {
  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "reason": reason = try json.string() ?? ""
      case "field": field = try json.string() ?? ""
      case "message": message = try json.string() ?? ""
      default: break
      }
    }
  }
}
