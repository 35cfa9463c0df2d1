internal import Glibc

/// The reason why no frame could be read.
package enum FrameError: Error, Hashable, Sendable {
  /// The peer ended its writing within a frame, or before one if 0 bytes were received.
  case closed(received: Int)
  /// More than `limit` bytes came without a newline.
  case tooLarge(limit: Int)
  /// The deadline passed.
  case timedOut
  /// A system call on the socket failed.
  case system(SystemError)
}

extension FrameError: CustomStringConvertible {
  /// The text for messages and logs.
  package var description: String {
    switch self {
    case .closed(let received): "connection closed after \(received) bytes, before the end of the message"
    case .tooLarge(let limit): "message larger than \(limit) bytes"
    case .timedOut: "no complete message in time"
    case .system(let error): "\(error)"
    }
  }
}

/// The reason why a wait for the peer's departure ended.
package enum HangUp: Hashable, Sendable {
  /// The peer has closed its socket, or its process has ended.
  case peerClosed
  /// The flag was set.
  case woken
}

/// Messages over connected stream sockets: one line in each direction. Every function blocks up to its deadline,
/// however slow the peer is.
package enum StreamIO {
  /// Reads one line and returns it without its newline.
  ///
  /// Bytes after the newline may be dropped: a connection carries one frame in each direction.
  ///
  /// - Parameters:
  ///   - limit: the most bytes before the newline.
  ///   - deadline: the longest time for the whole frame.
  /// - Throws: a `FrameError` for a closed connection, a larger frame, a passed deadline or a failed call.
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

  /// Writes all bytes within `deadline`. Never raises SIGPIPE.
  ///
  /// - Throws: `ETIMEDOUT` if the peer does not take them in time, `EPIPE` if the peer has gone; otherwise the error of
  ///   send(2).
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

  /// Waits until the peer has gone for good or the flag is set. If both are true, the flag counts. Blocks without a
  /// deadline.
  ///
  /// Checks `POLLHUP` only: a peer that has only ended its writing still waits for its reply.
  package static func waitForHangUp(_ socket: borrowing Descriptor, or wake: CancellationFlag) -> HangUp {
    var entries = [pollfd(fd: socket.rawValue, events: 0, revents: 0)]
    // poll(2) fails here only without memory. That must not cancel the peer's work.
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

  /// Receives at least one byte, or none at the end. Calls recv(2) without waiting, so the descriptor may be blocking
  /// or not.
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

  /// Receives what has come, without waiting. Returns an empty array at the end.
  ///
  /// - Throws: `EAGAIN` if there is nothing yet; otherwise the error of recv(2).
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
