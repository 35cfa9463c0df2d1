import JSON
import KubernetesAPI
import TestSupport

/// An API server whose one lease candidates want.
extension SimulatedAPIServer {
  var lease: Lease? { objects(Lease.self).first }

  /// How many requests to change something have come.
  var writes: Int { requests.count { !$0.hasPrefix("GET ") } }

  /// From now on it cannot be reached, or the answers to its writes are lost, or neither.
  func set(isAway: Bool = false, losesAnswers: Bool = false) {
    var faults = Faults()
    faults.unreachable = isAway ? 1 : 0
    faults.lostAfter = losesAnswers ? 1 : 0
    faults.spareReads = losesAnswers
    self.faults = faults
  }

  /// Somebody takes the lease who has no right to.
  func steal(_ lease: Lease) {
    edit(Lease.resource, lease.metadata.key) { $0[["spec", "holderIdentity"]] = "thief" }
  }
}
