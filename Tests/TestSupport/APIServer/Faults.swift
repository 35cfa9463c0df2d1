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
  /// Requests whose fates a test chooses. The dice are asked about the others.
  package var scripts: [FaultScript] = []
  /// For how long, in real time, each request that changes something is on its way.
  package var delay = Duration.zero
  private var dice: Dice

  package init(seed: UInt64 = 0) { dice = Dice(seed: seed) }

  /// What becomes of a request.
  package enum Fate: Hashable, Sendable {
    case done, lostBefore, lostAfter, late, unreachable
    /// Late, and carried out at the worst moment: when somebody has just been told that the object is not there.
    case lateBehindMiss
    case refused(StatusError)

    /// An admission webhook refuses it.
    package static let rejected = Fate.refused(
      StatusError(400, "BadRequest", "admission webhook \"test\" denied the request: admission webhook says no"))
  }

  mutating func fate(of request: HTTPRequest) -> Fate {
    for index in scripts.indices where scripts[index].matches(request) {
      if let fate = scripts[index].next() { return fate }
    }
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
