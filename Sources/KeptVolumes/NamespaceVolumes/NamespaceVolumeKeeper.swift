package import Controllers
package import KubernetesAPI
internal import StorageModel
internal import Synchronization

/// Creates the one claim of each namespace that asks for it. The provisioner then creates the claim's volume, or gives back
/// the one that was kept.
///
/// A key is a namespace's name. The claim is created when it is missing. Its request is raised when the namespace asks for
/// more. It is never deleted and never lowered. If something prevents that, nothing is changed, and an Event on the
/// namespace says why.
package final class NamespaceVolumeKeeper: Controller {
  package let keys: ReconcileLoop<String>
  private let view: any NamespaceVolumeView
  private let writes: any NamespaceVolumeWrites
  private let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void
  /// By the namespace's name.
  private let sentRefusals = Mutex(SentRefusals<String>(firstPause: SentRefusals<String>.longestPause))

  package init(
    view: any NamespaceVolumeView, writes: any NamespaceVolumeWrites, parallelism: Int = 8, backoff: Backoff = .init(),
    time: any Timekeeper = SystemTimekeeper(), log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.view = view
    self.writes = writes
    self.time = time
    self.log = log
    keys = ReconcileLoop(parallelism: parallelism, backoff: backoff, time: time)
  }

  package func reconcile(_ name: String) async -> Ending {
    guard let namespace = view.namespace(name), let volume = namespace.volume, !namespace.isTerminating else {
      sentRefusals.withLock { _ = $0.end(of: name) }
      return .done
    }
    do throws(WriteFailure) {
      guard let refusal = try await look(at: name, volume) else {
        sentRefusals.withLock { _ = $0.end(of: name) }
        return .done
      }
      tell(name, namespace, "namespace volume refused", refusal)
      return .again(after: SentRefusals<String>.longestPause)
    } catch {
      return failed(name, namespace, error)
    }
  }

  /// Does what is missing. Returns why that is not possible. Nil if nothing is missing, or if a watch will show what is
  /// awaited.
  private func look(
    at name: String, _ volume: KnownNamespace.Volume
  ) async throws(WriteFailure) -> Refusal? {
    let wish: NamespaceVolumeWish
    do throws(Refusal) { wish = try NamespaceVolumeWish(volume, of: name) } catch { return error }
    // In the ordinary case nothing is asked.
    if let known = view.namespaceClaim(wish.claim), verdict(on: wish, known) == .leave { return nil }
    let claim = try await writes.claim(wish.claim)
    switch verdict(on: wish, claim.map(NamespaceClaim.init)) {
    case .leave: break
    case .create: try await create(wish, for: volume)
    case .raise(let size): if let claim { try await raise(claim, to: size) }
    case .refuse(let refusal): return refusal
    }
    return nil
  }

  private func verdict(on wish: NamespaceVolumeWish, _ claim: NamespaceClaim?) -> NamespaceVolumeVerdict {
    NamespaceVolumeReview.verdict(on: wish, claim: claim, storageClass: view.storageClass(wish.storageClass))
  }

  private func create(_ wish: NamespaceVolumeWish, for volume: KnownNamespace.Volume) async throws(WriteFailure) {
    // What is known may be of an earlier namespace of that name. A watch is about to show what this one asks for.
    guard let current = try await writes.namespace(wish.claim.namespace).map(KnownNamespace.init),
      current.volume == volume, !current.isTerminating
    else { return }
    try await writes.create(wish.newClaim)
    logLine(
      "namespace volume claimed",
      ["claim": wish.claim.description, "class": wish.storageClass, "size": wish.size.description])
  }

  private func raise(_ claim: PersistentVolumeClaim, to size: Quantity) async throws(WriteFailure) {
    try await writes.setRequest(size, of: claim)
    logLine(
      "namespace volume raised",
      [
        "claim": claim.metadata.key.description, "from": claim.request?.description ?? "", "to": size.description,
      ])
  }

  // MARK: trouble

  private func failed(_ name: String, _ namespace: KnownNamespace, _ failure: WriteFailure) -> Ending {
    switch failure.kind {
    // The ordinary course of things: another look shows what there is now.
    case .conflict, .exists, .missing: break
    case .rejected, .unknown:
      let message = "the claim is not as the namespace asks yet: \(failure.message); it is tried again"
      tell(
        name, namespace, "namespace volume not claimed yet", Refusal(.namespaceVolumeFailed, message))
    }
    return .failed
  }

  /// Says it in the log and in an Event, unless that has been done lately.
  private func tell(
    _ name: String, _ namespace: KnownNamespace, _ message: String, _ refusal: Refusal
  ) {
    guard sentRefusals.withLock({ $0.isNews(refusal, of: name, at: time.now) }) else { return }
    let values = ["namespace": name, "kind": refusal.reason.rawValue, "reason": refusal.message]
    log(LogLine(message, values, isWarning: true))
    writes.sendEvent(Self.reference(name, namespace), refusal.reason, refusal.message)
  }

  /// The namespace counts as one of its own objects here. So its Events are in it, where its users may look, and not in
  /// `default`.
  private static func reference(_ name: String, _ namespace: KnownNamespace) -> ObjectReference {
    ObjectReference(
      apiVersion: Namespace.resource.apiVersion, kind: Namespace.resource.kind, namespace: name, name: name,
      uid: namespace.uid)
  }

  private func logLine(_ message: String, _ values: [String: String]) {
    log(LogLine(message, values))
  }
}
