internal import Controllers
internal import KubernetesAPI
internal import StorageModel

// A look at one checkout.
extension CheckoutKeeper {
  func look(at key: ObjectKey) async throws(WriteFailure) -> Ending {
    guard let known = knowledge.caches.checkouts[key] else { return .done }
    if known.metadata.isBeingDeleted { return try await finish(known) }
    begin(known)
    let claims = knowledge.view.claims(ofCheckout: known.metadata.uid)
    if claims.isEmpty, let problem = CheckoutReview.problem(of: known) {
      try await conclude(known, .invalid(problem))
      return .done
    }
    let checkout = try await writes.hold(known)
    if let claim = ownClaim(of: checkout, among: claims) { return try await look(at: claim, of: checkout) }
    guard claims.isEmpty else {
      // What is there is on its way out.
      release(checkout.metadata.uid, checkout.poolKey)
      try await conclude(checkout, .claimGoing)
      return .done
    }
    return try await choose(for: checkout)
  }

  /// The claim that exists decides, whatever the checkout says by now.
  private func ownClaim(of checkout: Checkout, among claims: [PoolClaim]) -> PoolClaim? {
    let staying = claims.filter { !$0.isGoing }.sorted(by: PoolClaim.isOlder)
    return staying.first(where: \.isBound) ?? staying.first { $0.key == checkout.claimKey } ?? staying.first
  }

  private func look(at claim: PoolClaim, of checkout: Checkout) async throws(WriteFailure) -> Ending {
    guard !claim.isBound else {
      touches[claim.uid] = nil
      release(checkout.metadata.uid, checkout.poolKey)
      try await conclude(
        checkout, .checkedOut(claim: claim.key.name, volume: claim.volumeName), remark: remark(on: checkout, claim))
      return .done
    }
    return try await attach(claim.handed, of: checkout)
  }

  /// Servers without rules in their schemas let a checkout be changed while it has a volume.
  private func remark(on checkout: Checkout, _ claim: PoolClaim) -> String {
    guard claim.generation != 0, claim.generation != checkout.metadata.generation else { return "" }
    return
      "spec was changed after the volume was checked out. The change has no effect before claim \(claim.key.name) is deleted"
  }

  /// A checkout that is being deleted: its claim goes first.
  private func finish(_ checkout: Checkout) async throws(WriteFailure) -> Ending {
    let uid = checkout.metadata.uid
    let claims = knowledge.view.claims(ofCheckout: uid)
    for claim in claims {
      touches[claim.uid] = nil
      if !claim.isGoing { try await writes.delete(claim) }
    }
    guard claims.isEmpty, checkout.metadata.finalizers.contains(PoolNames.checkoutFinalizer) else { return .done }
    // The watch may be behind.
    if let found = try await writes.claim(checkout.claimKey), let claim = PoolClaim(found), claim.checkoutUID == uid {
      if !claim.isGoing { try await writes.delete(claim) }
      return .again(after: Self.bindingPause)
    }
    try await writes.release(checkout)
    release(uid, checkout.poolKey)
    forget(uid)
    logLine("checkout removed", ["checkout": checkout.metadata.key.description])
    return .done
  }

  static let bindingPause = Duration.seconds(1)
}
