import KubernetesAPI
import Synchronization

/// Answers requests by a function, and remembers them.
final class ScriptedTransport: APITransport {
  private let answer: @Sendable (HTTPRequest, Int) async -> Step
  private let log = Mutex<[HTTPRequest]>([])

  enum Step: Sendable {
    case reply(Int, String, [String: String] = [:])
    /// The head and some pieces; then the end, an error, or nothing until the task is cancelled.
    case stream([String], StreamEnd)
    case failure(TransportError)
    /// No answer until the task is cancelled.
    case silence
  }

  enum StreamEnd: Sendable { case orderly, broken, silent, open }

  /// - Parameter answer: gets the request and its number, from 0.
  init(_ answer: @escaping @Sendable (HTTPRequest, Int) async -> Step) { self.answer = answer }

  /// Answers in this order; more requests fail.
  convenience init(_ steps: [Step]) {
    self.init { _, number in
      number < steps.count ? steps[number] : .failure(TransportError(.credentials, "the script has ended"))
    }
  }

  var requests: [HTTPRequest] { log.withLock { $0 } }
  var lines: [String] { requests.map { "\($0.method) \($0.path)" } }

  func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    if Task.isCancelled { throw TransportError(.cancelled, "cancelled") }
    let number = log.withLock { log in
      log.append(request)
      return log.count - 1
    }
    switch await answer(request, number) {
    case .reply(let status, let body, let fields):
      return HTTPReply(head: HTTPHead(status: status, fields: fields), body: Body([body], .orderly))
    case .stream(let pieces, let end): return HTTPReply(head: HTTPHead(status: 200), body: Body(pieces, end))
    case .failure(let error): throw error
    case .silence:
      while !Task.isCancelled { try? await Task.sleep(for: .seconds(1)) }
      throw TransportError(.cancelled, "cancelled")
    }
  }

  private final class Body: HTTPBody {
    private let pieces: Mutex<[String]>
    private let end: StreamEnd

    init(_ pieces: [String], _ end: StreamEnd) {
      self.pieces = Mutex(pieces)
      self.end = end
    }

    func next() async throws(TransportError) -> [UInt8]? {
      let piece = pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      if let piece { return Array(piece.utf8) }
      switch end {
      case .orderly: return nil
      case .broken: throw TransportError(.broken, "the connection broke")
      case .silent: throw TransportError(.timedOut, "nothing for 150 s")
      case .open:
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(1)) }
        throw TransportError(.cancelled, "cancelled")
      }
    }
  }
}

/// A volume as a list or a watch has it.
func volume(_ name: String, uid: String = "u", version: Int, driver: String = "ours") -> String {
  #"{"metadata":{"name":"\#(name)","uid":"\#(uid)","resourceVersion":"\#(version)"},"#
    + #""spec":{"flexVolume":{"driver":"\#(driver)"}}}"#
}

func list(_ objects: [String], version: Int, next: String = "") -> String {
  #"{"kind":"PersistentVolumeList","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"items":["#
    + objects.joined(separator: ",") + "]}"
}

func event(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# + "\n" }

func status(_ code: Int, _ reason: String, _ message: String = "m", details: String = "{}") -> String {
  #"{"kind":"Status","code":\#(code),"reason":"\#(reason)","message":"\#(message)","details":\#(details)}"#
}
