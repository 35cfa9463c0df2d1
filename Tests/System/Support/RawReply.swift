import Foundation
import Testing

/// What the flex client printed for one raw call.
struct RawReply: CustomStringConvertible {
  let call: String
  let ended: Program.Ended
  let status: String
  let message: String

  var isSuccess: Bool { status == "Success" }
  var description: String { "\(call) -> \(ended.output) \(ended.errors) (exit \(ended.exitCode ?? -1))" }

  /// Reads the output as kubelet does, and holds it to what kubelet needs: one JSON object and a newline on standard
  /// output, nothing on standard error, an exit code that fits.
  init(_ call: String, _ ended: Program.Ended, at location: SourceLocation) {
    self.call = call
    self.ended = ended
    let object = try? JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Any]
    status = object?["status"] as? String ?? ""
    message = object?["message"] as? String ?? ""
    let exitCode: Int32 = status == "Failure" ? 1 : 0
    #expect(
      object != nil && ended.output.hasSuffix("}\n") && ended.output.utf8.filter { $0 == 10 }.count == 1,
      "not one line of JSON: \(call) \(ended.output)", sourceLocation: location)
    #expect(["Success", "Failure", "Not supported"].contains(status), "\(ended.output)", sourceLocation: location)
    #expect(ended.errors.isEmpty, "said on standard error: \(ended.errors)", sourceLocation: location)
    #expect(ended.exitCode == exitCode, "\(call) \(ended.output)", sourceLocation: location)
  }

  /// The call must have succeeded.
  @discardableResult
  func succeeds(at location: SourceLocation = #_sourceLocation) -> RawReply {
    #expect(isSuccess, "\(self)", sourceLocation: location)
    return self
  }

  /// The call must have been refused, with all of these words in its message.
  @discardableResult
  func fails(saying words: String..., at location: SourceLocation = #_sourceLocation) -> RawReply {
    #expect(status == "Failure", "\(self)", sourceLocation: location)
    for word in words {
      #expect(message.contains(word), "'\(word)' is not in: \(message)", sourceLocation: location)
    }
    return self
  }
}
