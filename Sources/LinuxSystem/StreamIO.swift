internal import Glibc

/// Why no frame could be read.
package enum FrameError: Error, Hashable, Sendable {
  /// The peer ended its writing in the middle of a frame, or, with 0 bytes received, before one.
  case closed(received: Int)
  /// More than this many bytes came without a newline.
  case tooLarge(limit: Int)
  /// The deadline passed first.
  case timedOut
  /// The socket failed.
  case system(SystemError)
}

extension FrameError: CustomStringConvertible {
  /// For messages and logs.
  package var description: String {
    switch self {
    case .closed(let received): "connection closed after \(received) bytes, before the end of the message"
    case .tooLarge(let limit): "message larger than \(limit) bytes"
    case .timedOut: "no complete message in time"
    case .system(let error): "\(error)"
    }
  }
}

/// Why a wait for the peer's departure ended.
package enum HangUp: Hashable, Sendable {
  /// The peer has closed its socket, or its process has ended.
  case peerClosed
  /// The flag was set.
  case woken
}

/// Messages over connected stream sockets: one line each way. Blocks up to its deadline, also for slow peers.
package enum StreamIO {
  /// Reads up to and without a newline.
  ///
  /// `limit` counts the bytes before the newline, `deadline` the whole frame. What the peer sends behind the newline
  /// may be dropped: there is one frame in each direction of a connection.
  package static func readFrame(
    _ socket: borrowing Descriptor, limit: Int, deadline: Duration
  ) throws(FrameError) -> [UInt8] {
    let end = MonotonicClock.now() + deadline
    var frame: [UInt8] = []
    while true {
      let chunk = try receive(socket, upTo: min(limit + 1 - frame.count, 1 << 16), until: end)
      guard !chunk.isEmpty else { throw .closed(received: frame.count) }
      if let newline = chunk.firstIndex(of: UInt8(ascii: "\n")) { return frame + chunk[..<newline] }
      frame += chunk
      if frame.count > limit { throw .tooLarge(limit: limit) }
    }
  }

  /// Writes all bytes, `ETIMEDOUT` when the peer does not take them in time, `EPIPE` when it is gone; never SIGPIPE.
  package static func writeAll(
    _ socket: borrowing Descriptor, _ bytes: [UInt8], deadline: Duration
  ) throws(SystemError) {
    let end = MonotonicClock.now() + deadline
    let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
    let number = socket.rawValue
    var written = 0
    while written < bytes.count {
      do throws(SystemError) {
        written += try retryingInterrupts("send", "") {
          bytes.withUnsafeBytes { send(number, $0.baseAddress?.advanced(by: written), $0.count - written, flags) }
        }
      } catch {
        guard error.errno == .wouldBlock else { throw error }
        guard try ready(socket, Int16(POLLOUT), until: end) else {
          throw SystemError(operation: "send", subject: "", errno: .timedOut)
        }
      }
    }
  }

  /// Waits until the peer has gone for good, or somebody sets the flag; the flag goes first when both are true.
  ///
  /// Looks for `POLLHUP` alone: a peer that has only ended its writing still waits for its reply.
  package static func waitForHangUp(_ socket: borrowing Descriptor, or wake: CancellationFlag) -> HangUp {
    var entries = [pollfd(fd: socket.rawValue, events: 0, revents: 0)]
    // poll(2) fails here only for lack of memory: nobody should lose work that can go on for that.
    let event = try? Poll.wait(&entries, until: nil, cancellation: wake)
    return event == .ready ? .peerClosed : .woken
  }
}

extension StreamIO {
  private static func ready(
    _ socket: borrowing Descriptor, _ events: Int16, until deadline: Duration
  ) throws(SystemError) -> Bool {
    var entries = [pollfd(fd: socket.rawValue, events: events, revents: 0)]
    return try Poll.wait(&entries, until: deadline) == .ready
  }

  /// At least one byte, or none at the end. recv(2) without waiting, so that it does not matter whether the
  /// descriptor blocks.
  static func receive(
    _ socket: borrowing Descriptor, upTo count: Int, until deadline: Duration
  ) throws(FrameError) -> [UInt8] {
    while true {
      let isReady: Bool
      do throws(SystemError) { isReady = try ready(socket, Int16(POLLIN), until: deadline) } catch {
        throw .system(error)
      }
      guard isReady else { throw .timedOut }
      do throws(SystemError) {
        return try receiveNow(socket, upTo: count)
      } catch {
        if error.errno == .connectionReset { return [] }
        guard error.errno == .wouldBlock else { throw .system(error) }
      }
    }
  }

  /// What has come, without waiting: `EAGAIN` when there is nothing yet, empty at the end.
  static func receiveNow(_ socket: borrowing Descriptor, upTo count: Int) throws(SystemError) -> [UInt8] {
    let number = socket.rawValue
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      do throws(SystemError) {
        length = try retryingInterrupts("receive", "") {
          recv(number, buffer.baseAddress, count, Int32(MSG_DONTWAIT))
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
