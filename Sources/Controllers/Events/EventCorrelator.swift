internal import KubernetesAPI
internal import LinuxSystem

/// Decides what happens with an Event: create an object, raise the count of an existing one, or drop the Event. No I/O.
///
/// The limits are client-go's: 25 Events of an object at once and one more each five minutes. More than ten different
/// messages of the same kind within ten minutes become one. The number of remembered Events bounds the memory.
struct EventCorrelator {
  enum Decision {
    case drop
    case send(Write)
  }

  /// A write to the API server.
  struct Write {
    let event: QueuedEvent
    let message: String
    let count: Int64
    let first: Timestamp
    /// The Event object whose count rises; nil when there is none.
    let name: String?
    fileprivate let key: Key

    /// An Event of an object without a namespace is in `default`, where kubectl looks for it.
    var namespace: String { event.object.namespace.isEmpty ? "default" : event.object.namespace }
  }

  fileprivate struct Kind: Hashable {
    let object: ObjectReference
    let reason: EventReason
  }

  fileprivate struct Key: Hashable {
    let kind: Kind
    /// Empty for similar Events that were combined.
    let message: String
  }

  private struct Sent {
    var name: String?
    var count: Int64
    let first: Timestamp
  }

  private struct Similar {
    var messages: Set<String> = []
    var since: Duration
  }

  private struct Bucket {
    var tokens: Double
    var time: Duration
  }

  private var sent: [Key: Sent] = [:]
  private var similar: [Kind: Similar] = [:]
  private var buckets: [ObjectReference: Bucket] = [:]

  private static let remembered = 1024
  private static let burst = 25.0
  private static let refill = Duration.seconds(300)
  private static let similarLimit = 10
  private static let similarTime = Duration.seconds(600)
}

extension EventCorrelator {
  /// - Parameter now: a monotonic time.
  mutating func decide(_ event: QueuedEvent, now: Duration) -> Decision {
    // The version changes with each write and does not identify the object.
    var object = event.object
    object.resourceVersion = ""
    let kind = Kind(object: object, reason: event.reason)
    let isOneOfMany = isOneOfMany(kind, event.message, now)
    guard takeToken(object, now) else { return .drop }
    let key = Key(kind: kind, message: isOneOfMany ? "" : event.message)
    let message =
      isOneOfMany ? QueuedEvent.cut("(combined from similar events): \(event.message)", to: 1024) : event.message
    if sent.count >= Self.remembered, sent[key] == nil { sent = [:] }
    var entry = sent[key] ?? Sent(name: nil, count: 0, first: event.time)
    entry.count += 1
    sent[key] = entry
    return .send(
      Write(event: event, message: message, count: entry.count, first: entry.first, name: entry.name, key: key))
  }

  /// Records the name of the Event object that the server has.
  mutating func sent(_ write: Write, name: String) { sent[write.key]?.name = name }

  private mutating func isOneOfMany(_ kind: Kind, _ message: String, _ now: Duration) -> Bool {
    if similar.count >= Self.remembered, similar[kind] == nil { similar = [:] }
    var entry = similar[kind] ?? Similar(since: now)
    if now - entry.since > Self.similarTime { entry = Similar(since: now) }
    if entry.messages.count <= Self.similarLimit { entry.messages.insert(message) }
    similar[kind] = entry
    return entry.messages.count > Self.similarLimit
  }

  private mutating func takeToken(_ object: ObjectReference, _ now: Duration) -> Bool {
    if buckets.count >= Self.remembered, buckets[object] == nil { buckets = buckets.filter { $0.value.tokens < 1 } }
    if buckets.count >= Self.remembered, buckets[object] == nil { buckets = [:] }
    var bucket = buckets[object] ?? Bucket(tokens: Self.burst, time: now)
    bucket.tokens = min(Self.burst, bucket.tokens + (now - bucket.time) / Self.refill)
    bucket.time = now
    let isAllowed = bucket.tokens >= 1
    if isAllowed { bucket.tokens -= 1 }
    buckets[object] = bucket
    return isAllowed
  }
}
