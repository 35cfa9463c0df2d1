import LinuxSystem
import NodeProtocol
import Testing
import VolumeHost

/// What came of something that was asked for: a pod's start, one call of the client, or an operator's command.
struct Answer: CustomStringConvertible, Sendable {
  /// What was asked.
  let question: String
  let isSuccess: Bool
  /// Why it failed: for a pod the text of its event.
  let message: String
  /// From `waitforattach`.
  var device: String?
  /// From `status`.
  var report: DaemonStatus?

  var description: String { "\(question) -> \(isSuccess ? "success" : "failure") \(message)" }

  static func success(_ question: String) -> Answer { Answer(question: question, isSuccess: true, message: "") }
  static func failure(_ question: String, _ message: String) -> Answer {
    Answer(question: question, isSuccess: false, message: message)
  }

  /// It must have succeeded.
  @discardableResult
  func succeeds(at location: SourceLocation = #_sourceLocation) -> Answer {
    #expect(isSuccess, "\(self)", sourceLocation: location)
    return self
  }

  /// It must have been refused, with all of these words in its message.
  @discardableResult
  func fails(saying words: String..., at location: SourceLocation = #_sourceLocation) -> Answer {
    #expect(!isSuccess, "\(self)", sourceLocation: location)
    for word in words {
      #expect(message.contains(word), "'\(word)' is not in: \(message)", sourceLocation: location)
    }
    return self
  }
}

extension Answer {
  init(_ question: String, _ outcome: DriverOutcome) {
    switch outcome {
    case .success(let reply):
      self = .success(question)
      device = reply.device
    case .notSupported: self = .failure(question, "Not supported")
    case .failure(let reason): self = .failure(question, reason)
    }
  }

  init(_ question: String, _ reply: Reply) {
    self.init(
      question: question, isSuccess: reply.isSuccess, message: reply.message ?? reply.status, report: reply.report)
  }
}
