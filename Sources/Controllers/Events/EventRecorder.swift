internal import JSON
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel

/// Tells users what happens to their objects, as Events that `kubectl describe` shows.
///
/// `record` returns at once and never fails; ``run()`` sends. The same event again raises a count instead of making
/// another object, many similar ones become one, and an object has a bounded number in a time. What cannot be sent is
/// dropped and counted: no work waits for an Event.
package final class EventRecorder: Sendable {
  private let client: APIClient
  private let component: String
  private let host: String
  private let queue: EventQueue

  /// - Parameters:
  ///   - component: the program's name.
  ///   - host: the node it runs on; empty when that does not matter.
  package init(_ client: APIClient, component: String, host: String = "") {
    self.client = client
    self.component = component
    self.host = host
    queue = EventQueue(limit: 1024)
  }

  /// Queues an Event. The message says what was found and what to do, up to 1024 bytes.
  package func record(_ reason: EventReason, on object: ObjectReference, _ message: String) {
    queue.append(QueuedEvent(object: object, reason: reason, message: message, time: client.time.wallClock))
  }

  /// How many events were dropped: too many for an object, too many at once, or refused by the server.
  package var dropped: Int { queue.dropped }

  /// Sends until the task is cancelled. Call once.
  package func run() async {
    var correlator = EventCorrelator()
    while let event = await queue.next() {
      switch correlator.decide(event, now: client.time.now) {
      case .drop: queue.countDropped()
      case .send(let write): await send(write, &correlator)
      }
    }
  }

  /// Sends what waits, for at most that long: before an orderly end.
  package func drain(within limit: Duration) async {
    let end = client.time.now + limit
    while !queue.isEmpty, client.time.now < end {
      do throws(CancellationError) { try await client.time.sleep(for: .milliseconds(20)) } catch { return }
    }
  }
}

extension EventRecorder {
  private func send(_ write: EventCorrelator.Write, _ correlator: inout EventCorrelator) async {
    do throws(APIError) {
      if let name = write.name, try await raise(write, name) { return }
      let event = made(write)
      _ = try await client.create(event)
      correlator.sent(write, name: event.metadata.name)
    } catch {
      // The namespace is on its way out, we lack the right, the server is away: nothing that a user's work should feel.
      queue.countDropped()
    }
  }

  /// False when the event has expired meanwhile (an hour by default) and must be made anew.
  private func raise(_ write: EventCorrelator.Write, _ name: String) async throws(APIError) -> Bool {
    let patch = Patch.merge([
      "count": .number(write.count), "message": .string(write.message),
      "lastTimestamp": .string(write.event.time.rfc3339),
    ])
    do throws(APIError) {
      _ = try await client.patch(Event.self, ObjectKey(namespace: write.namespace, name: name), patch)
      return true
    } catch {
      guard error.kind == .notFound else { throw error }
      return false
    }
  }

  private func made(_ write: EventCorrelator.Write) -> Event {
    // As client-go names them: the object and something that does not come twice.
    let nanoseconds =
      UInt64(bitPattern: write.event.time.seconds) &* 1_000_000_000 &+ UInt64(write.event.time.nanoseconds)
    let suffix = String(nanoseconds ^ UInt64(client.time.random() * 4_294_967_296), radix: 16)
    var event = Event(
      metadata: ObjectMeta(name: "\(write.event.object.name.prefix(230)).\(suffix)", namespace: write.namespace))
    event.involvedObject = write.event.object
    event.reason = write.event.reason.rawValue
    event.message = write.message
    event.type = write.event.reason.type
    event.component = component
    event.host = host
    event.firstTimestamp = write.first
    event.lastTimestamp = write.event.time
    event.count = write.count
    return event
  }
}
