internal import KubernetesAPI

/// What goes wrong between a client and the API server: each once in so many requests, by the dice; 0 for never.
package struct Faults: Sendable {
  /// The request never arrives, and nobody can say so.
  package var lostBefore: UInt64 = 0
  /// The request is carried out, and its answer is lost.
  package var lostAfter: UInt64 = 0
  /// Of writes: the answer is lost, and the request is carried out later.
  package var late: UInt64 = 0
  /// No connection: certainly not carried out.
  package var unreachable: UInt64 = 0
  /// 429, with the wish to wait a second.
  package var tooMany: UInt64 = 0
  /// 500, nothing done.
  package var failing: UInt64 = 0
  /// A watch breaks off behind an event.
  package var brokenWatch: UInt64 = 0
  /// Only requests that change something fail.
  package var spareReads = false
  private var dice: Dice

  package init(seed: UInt64 = 0) { dice = Dice(seed: seed) }

  enum Fate {
    case done, lostBefore, lostAfter, late, unreachable
    case refused(StatusError)
  }

  mutating func fate(of request: HTTPRequest) -> Fate {
    let isRead = request.method == "GET"
    if isRead, spareReads { return .done }
    if happens(unreachable) { return .unreachable }
    if happens(tooMany) { return .refused(StatusError(429, "TooManyRequests", "too many requests", retryAfter: 1)) }
    if happens(failing) { return .refused(StatusError(500, "InternalError", "etcdserver: leader changed")) }
    if happens(lostBefore) { return .lostBefore }
    // What is lost of a read is an answer.
    if !isRead, happens(late) { return .late }
    return happens(lostAfter) ? .lostAfter : .done
  }

  mutating func breaksWatch() -> Bool { happens(brokenWatch) }

  /// Whether a request that is late is carried out now.
  mutating func carriesOutNow() -> Bool { dice.once(in: 2) }

  private mutating func happens(_ once: UInt64) -> Bool { once > 0 && dice.once(in: once) }
}
