import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite("Unix sockets")
struct UnixSocketTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("a listener has its mode from the start, accepts connections and knows the peer")
  func listen() throws {
    let listener = try UnixListener(path: directory["s"])
    var status = stat()
    #expect(stat(directory["s"], &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    #expect(try Files.list(directory.path) == ["s"])
    let client = try UnixSocket.connect(path: directory["s"])
    let server = try listener.accept()
    let peer = try UnixSocket.peerCredentials(server)
    #expect(peer.pid == getpid() && peer.uid == geteuid() && peer.gid == getegid())
    try StreamIO.writeAll(client, Array("hello\n".utf8), deadline: .seconds(1))
    #expect(try StreamIO.readFrame(server, limit: 5, deadline: .seconds(1)) == Array("hello".utf8))
  }

  @Test("a new listener replaces the old one, and the path always has a listener")
  func takeOver() throws {
    let old = try UnixListener(path: directory["s"])
    old.shutdown()
    #expect(
      failure { () throws(SystemError) in _ = try UnixSocket.connect(path: directory["s"]) } == .connectionRefused)
    let new = try UnixListener(path: directory["s"])
    let client = try UnixSocket.connect(path: directory["s"])
    let server = try new.accept()
    #expect(client.rawValue != server.rawValue)
  }

  @Test("shutdown wakes the thread that waits in accept")
  func shutdown() async throws {
    let pool = WorkerPool(name: "accept", limit: 1)
    let box = ListenerBox(try UnixListener(path: directory["s"]))
    async let reason = pool.run { failure { () throws(SystemError) in _ = try box.listener.accept() } }
    try await Task.sleep(for: .milliseconds(50))
    box.listener.shutdown()
    #expect(await reason == .invalid)
    #expect(failure { () throws(SystemError) in _ = try box.listener.accept() } == .invalid)
  }

  private final class ListenerBox: Sendable {
    let listener: UnixListener
    init(_ listener: consuming UnixListener) { self.listener = listener }
  }

  @Test("a path longer than the address can hold works")
  func longPath() throws {
    let long = (0..<4).map { _ in String(repeating: "d", count: 60) }.joined(separator: "/")
    let path = try directory.directory(long) + "/s"
    let listener = try UnixListener(path: path)
    let client = try UnixSocket.connect(path: path)
    #expect(try listener.accept().rawValue != client.rawValue)
    let name = directory[String(repeating: "n", count: 120)]
    #expect(failure { () throws(SystemError) in _ = try UnixSocket.connect(path: name) } == .nameTooLong)
  }

  @Test("a missing socket and a missing listener are different errors")
  func absent() {
    #expect(failure { () throws(SystemError) in _ = try UnixSocket.connect(path: directory["s"]) } == .noEntry)
  }
}

@Suite("Frames")
struct FrameTests {
  private func frameError(
    _ socket: borrowing Descriptor, limit: Int = 100, deadline: Duration = .seconds(5)
  ) -> FrameError? {
    do throws(FrameError) {
      _ = try StreamIO.readFrame(socket, limit: limit, deadline: deadline)
      return nil
    } catch {
      return error
    }
  }

  @Test("a frame that comes in pieces is assembled")
  func torn() async throws {
    let pair = try UnixSocket.pair()
    let writer = pair.second.rawValue
    let pool = WorkerPool(name: "writer", limit: 1)
    async let writing: Void = pool.run {
      for byte in Array("hello\n".utf8) {
        var byte = byte
        write(writer, &byte, 1)
        usleep(5000)
      }
    }
    #expect(try StreamIO.readFrame(pair.first, limit: 5, deadline: .seconds(5)) == Array("hello".utf8))
    await writing
  }

  @Test("a peer that leaves within a frame and one that sends nothing are different errors")
  func closed() throws {
    let pair = try UnixSocket.pair()
    try StreamIO.writeAll(pair.second, Array("hel".utf8), deadline: .seconds(1))
    try UnixSocket.endWriting(pair.second)
    #expect(frameError(pair.first) == .closed(received: 3))
    let silent = try UnixSocket.pair()
    try UnixSocket.endWriting(silent.second)
    #expect(frameError(silent.first) == .closed(received: 0))
  }

  @Test("an oversized frame is rejected as soon as its size is known")
  func tooLarge() throws {
    let pair = try UnixSocket.pair()
    try StreamIO.writeAll(pair.second, Array(repeating: 0x61, count: 101), deadline: .seconds(1))
    #expect(frameError(pair.first) == .tooLarge(limit: 100))
  }

  @Test("an empty frame and a frame of exactly the limit are accepted")
  func edges() throws {
    let pair = try UnixSocket.pair()
    try StreamIO.writeAll(pair.second, [0x0a], deadline: .seconds(1))
    #expect(try StreamIO.readFrame(pair.first, limit: 0, deadline: .seconds(1)).isEmpty)
    try StreamIO.writeAll(pair.second, Array(repeating: 0x61, count: 100) + [0x0a], deadline: .seconds(1))
    #expect(try StreamIO.readFrame(pair.first, limit: 100, deadline: .seconds(1)).count == 100)
  }

  @Test("the deadline is for the whole frame, not for each piece of a slow peer")
  func slow() async throws {
    let pair = try UnixSocket.pair()
    let writer = pair.second.rawValue
    let pool = WorkerPool(name: "writer", limit: 1)
    async let writing: Void = pool.run {
      for _ in 0..<10 {
        var byte: UInt8 = 0x61
        write(writer, &byte, 1)
        usleep(50_000)
      }
    }
    #expect(frameError(pair.first, deadline: .milliseconds(200)) == .timedOut)
    await writing
  }

  @Test("writing to a peer that does not read ends at the deadline, to one that is gone with EPIPE")
  func writing() throws {
    let pair = try UnixSocket.pair()
    let much = [UInt8](repeating: 0, count: 8 << 20)
    let reason = failure { () throws(SystemError) in
      try StreamIO.writeAll(pair.first, much, deadline: .milliseconds(100))
    }
    #expect(reason == .timedOut)
    #expect(try writeToNobody() == .brokenPipe)
  }

  private func writeToNobody() throws -> Errno? {
    let directory = try TemporaryDirectory()
    let listener = try UnixListener(path: directory["s"])
    let client = try UnixSocket.connect(path: directory["s"])
    let server = try listener.accept()
    _ = consume client
    return failure { () throws(SystemError) in try StreamIO.writeAll(server, [1, 2, 3], deadline: .seconds(1)) }
  }

  @Test("a peer that has only ended its writing counts as present; one that closed does not")
  func hangUp() async throws {
    let directory = try TemporaryDirectory()
    let listener = try UnixListener(path: directory["s"])
    let client = try UnixSocket.connect(path: directory["s"])
    let server = try listener.accept()
    try StreamIO.writeAll(client, Array("x\n".utf8), deadline: .seconds(1))
    try UnixSocket.endWriting(client)
    let pool = WorkerPool(name: "wake", limit: 1)
    let flag = CancellationFlag()
    pool.post {
      usleep(100_000)
      flag.cancel()
    }
    #expect(StreamIO.waitForHangUp(server, or: flag) == .woken)
    _ = consume client
    #expect(StreamIO.waitForHangUp(server, or: CancellationFlag()) == .peerClosed)
  }
}
