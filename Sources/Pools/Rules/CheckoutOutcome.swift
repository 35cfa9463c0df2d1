internal import Controllers
internal import KubernetesAPI
package import LinuxSystem

/// How a look at a checkout ends, as its status says it.
package enum CheckoutOutcome: Hashable, Sendable {
  /// It has the volume.
  case checkedOut(claim: String, volume: String)
  /// Kubernetes is binding its claim.
  case binding(volume: String)
  /// Its claim is being deleted; another is created after that.
  case claimGoing
  case invalid(String)
  case forbidden(String)
  case poolDoesNotExist(String)
  case notAvailable(String)
  case conflict(String)

  /// The PV that has been chosen; empty for none.
  var volumeName: String {
    switch self {
    case .checkedOut(_, let volume), .binding(let volume): volume
    default: ""
    }
  }

  private var condition: (status: Condition.Status, reason: String, message: String) {
    switch self {
    case .checkedOut: (.true, CheckoutCondition.checkedOut, "")
    case .binding: (.unknown, "", "")
    case .claimGoing: (.unknown, "", "the claim is being deleted; another is created after that")
    case .invalid(let message): (.false, CheckoutCondition.invalid, message)
    case .forbidden(let message): (.false, CheckoutCondition.forbidden, message)
    case .poolDoesNotExist(let message): (.unknown, CheckoutCondition.poolDoesNotExist, message)
    case .notAvailable(let message): (.unknown, CheckoutCondition.notAvailable, message)
    case .conflict(let message): (.unknown, CheckoutCondition.conflict, message)
    }
  }

  /// The Event about it; nil where there is nothing to say.
  var refusal: Refusal? {
    switch self {
    case .checkedOut, .binding, .claimGoing: nil
    case .invalid(let message): Refusal(.invalidCheckout, message)
    case .forbidden(let message): Refusal(.forbidden, message)
    case .poolDoesNotExist(let message), .notAvailable(let message): Refusal(.poolAvailability, message)
    case .conflict(let message): Refusal(.volumeAttachment, message)
    }
  }

  /// - Parameter remark: what else its owner should know; empty for nothing.
  package func status(
    after former: Checkout.Status, remark: String, generation: Int64, at now: Timestamp
  ) -> Checkout.Status {
    var status = former
    status.volumeName = volumeName
    status.volumeClaimRef = nil
    if case .checkedOut(let claim, _) = self { status.volumeClaimRef = .init(name: claim) }
    let (value, reason, message) = condition
    let words = [message, remark].filter { !$0.isEmpty }.joined(separator: "; ")
    status.conditions.set(
      CheckoutCondition.acquired, value, reason: reason, words, generation: generation, at: now)
    return status
  }
}
