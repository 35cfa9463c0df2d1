internal import KubernetesAPI
internal import LinuxSystem

/// Decides what becomes of an event: a new object, a higher count of an old one, or nothing. Without I/O.
///
/// The limits are client-go's: 25 events of an object at once and one more each five minutes; more than ten different
/// messages of the same kind within ten minutes become one. Memory is bounded by the number of events remembered.
struct EventCorrelator {
  enum Decision {
    case drop
    case send(Write)
  }

  /// What is to be written.
  struct Write {
    let event: QueuedEvent
    let message: String
    let count: Int64
    let first: Timestamp
    /// The object whose count goes up; nil when there is none.
    let name: String?
    fileprivate let key: Key

    /// Events of objects without a namespace stand in `default`, as kubectl looks for them.
    var namespace: String { event.object.namespace.isEmpty ? "default" : event.object.namespace }
  }

  fileprivate struct Kind: Hashable {
    let object: ObjectReference
    let reason: EventReason
  }

  fileprivate struct Key: Hashable {
    let kind: Kind
    /// Empty for similar ones that became one.
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
  /// - Parameter now: time that only goes forward.
  mutating func decide(_ event: QueuedEvent, now: Duration) -> Decision {
    // The version changes with each write and says nothing about which object it is.
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

  /// The server has the event under that name.
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
