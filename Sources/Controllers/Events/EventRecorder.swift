internal import JSON
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel

/// Sends Events about users' objects; `kubectl describe` shows them.
///
/// ``record(_:on:_:)`` returns at once and never fails; ``run()`` sends. A repeated Event raises a count instead of
/// creating another object, many similar Events become one, and each object has a limited rate. Events that cannot be
/// sent are dropped and counted. No work waits for an Event.
package final class EventRecorder: Sendable {
  private let client: APIClient
  private let component: String
  private let host: String
  private let queue: EventQueue

  /// - Parameters:
  ///   - component: the program's name.
  /// - host: the node on which the program runs; empty when that does not matter.
  package init(_ client: APIClient, component: String, host: String = "") {
    self.client = client
    self.component = component
    self.host = host
    queue = EventQueue(limit: 1024)
  }

  /// Queues an Event. The message says what was found and what to do. It is cut at 1024 bytes.
  package func record(_ reason: EventReason, on object: ObjectReference, _ message: String) {
    queue.append(QueuedEvent(object: object, reason: reason, message: message, time: client.time.wallClock))
  }

  /// The number of dropped Events: too many for an object, too many at once, or refused by the server.
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

  /// Sends the queued Events before an orderly end. Waits at most `limit`.
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
      // The namespace is being deleted, the program lacks the permission, or the server does not answer. This must not
      // disturb a user's work.
      queue.countDropped()
    }
  }

  /// Raises the count. Returns false when the Event has expired meanwhile (after an hour by default) and must be
  /// created again.
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
    // The name as in client-go: the object's name and a unique suffix.
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
