import Glibc
import LinuxSystem
import NodeProtocol
import StorageModel
import Testing

@Suite("Asking the daemon", .timeLimit(.minutes(1)))
struct NodeClientTests {
  private let directory: String

  init() throws {
    var bytes = Array("/tmp/elastic-local-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&bytes) != nil)
    directory = bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  /// Asks a peer that answers with these bytes and closes; says what came and what the peer was sent.
  private func ask(
    _ answer: [UInt8]?, deadline: Duration = .seconds(10)
  ) async throws -> (reply: Reply?, error: VolumeError?, request: [UInt8]) {
    let socket = directory + "/socket"
    defer { try? Files.removeTree(directory) }
    let listener = Shared(try UnixListener(path: socket))
    let pool = WorkerPool(name: "peer", limit: 2)
    async let request: [UInt8] = pool.run { () throws in
      let connection = try listener.value.accept()
      let request = try StreamIO.readFrame(connection, limit: 1 << 20, deadline: .seconds(10))
      guard let answer else {
        // Says nothing until the client has gone.
        _ = StreamIO.waitForHangUp(connection, or: CancellationFlag())
        return request
      }
      try StreamIO.writeAll(connection, answer, deadline: .seconds(10))
      return request
    }
    let result: Result<Reply, VolumeError> = await pool.run { () -> Result<Reply, VolumeError> in
      do throws(VolumeError) {
        return .success(try NodeClient.call(Request(["status"]), socket: socket, deadline: deadline))
      } catch {
        return .failure(error)
      }
    }
    switch result {
    case .success(let reply): return (reply, nil, try await request)
    case .failure(let error): return (nil, error, try await request)
    }
  }

  @Test("a request is sent in one line, and the reply is returned, also a failure's and one without its end")
  func replies() async throws {
    let (reply, error, request) = try await ask(Array("{\"status\":\"Failure\",\"message\":\"no\"}\nmore".utf8))
    #expect(error == nil)
    #expect(reply?.message == "no")
    #expect(String(decoding: request, as: UTF8.self) == #"{"arguments":["status"],"version":1}"#)
  }

  @Test("a report of many megabytes is read")
  func large() async throws {
    let text = "{\"message\":\"" + String(repeating: "x", count: 8 << 20) + "\",\"status\":\"Success\"}\n"
    #expect(try await ask(Array(text.utf8)).reply?.message?.count == 8 << 20)
  }

  @Test(
    "a peer that closes, tears its reply or talks garbage is reported as such, naming the socket",
    arguments: [
      ("", "nothing"), ("{\"status\":\"Succ", "a torn reply"), ("{\"status\":\"Success\"}", "no end of the line"),
      ("garbage\n", "garbage"), ("\n", "an empty line"), ("{}\n", "no status"),
      ("HTTP/1.1 400 Bad Request\r\n", "another protocol"),
    ])
  func broken(_ answer: String, _ remark: String) async throws {
    let (reply, error, _) = try await ask(Array(answer.utf8))
    #expect(reply == nil, "\(remark)")
    #expect(error?.code == .unavailable, "\(remark)")
    #expect(error?.message.contains(directory + "/socket") == true, "\(remark)")
  }

  @Test("a peer that says nothing is given up after the deadline")
  func silent() async throws {
    let start = MonotonicClock.now()
    let (reply, error, _) = try await ask(nil, deadline: .milliseconds(200))
    #expect(reply == nil && error?.code == .unavailable)
    #expect(MonotonicClock.now() - start < .seconds(30))
  }

  @Test("without a daemon the error names the socket and asks whether it runs")
  func absent() throws {
    defer { try? Files.removeTree(directory) }
    try Files.writeDurably([], to: directory + "/file")
    for path in [directory + "/none", directory + "/file", directory, "/" + String(repeating: "x", count: 200)] {
      let error = #expect(throws: VolumeError.self) { try NodeClient.call(Request(["status"]), socket: path) }
      #expect(error?.code == .unavailable)
      #expect(error?.message.contains("is elastic-local-node serving there") == true)
    }
  }
}

/// A value without copies, for several threads.
private final class Shared<Value: ~Copyable & Sendable>: Sendable {
  let value: Value
  init(_ value: consuming Value) { self.value = value }
}
