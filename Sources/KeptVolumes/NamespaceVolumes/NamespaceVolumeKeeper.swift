package import Controllers
package import KubernetesAPI
internal import StorageModel
internal import Synchronization

/// Creates the claim of each namespace that asks for a volume. The provisioner then creates the claim's volume, or
/// gives back a kept one.
///
/// A missing claim is created. If the namespace asks for more than the claim requests, the request is raised. The claim
/// is never deleted, and its request is never lowered. If something prevents that, nothing is changed, and an Event on
/// the namespace says why.
package final class NamespaceVolumeKeeper: Controller {
  /// The names of the namespaces to be reconciled.
  package let keys: ReconcileLoop<String>
  private let view: any NamespaceVolumeView
  private let writes: any NamespaceVolumeWrites
  private let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void
  /// Keyed by the namespace's name.
  private let sentRefusals = Mutex(SentRefusals<String>(firstPause: SentRefusals<String>.longestPause))

  /// - Parameters:
  ///   - parallelism: the number of namespaces that are reconciled at once.
  ///   - backoff: the pauses after failed requests.
  ///   - log: called for each log line, on any thread. It must not block.
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

  /// Creates or raises the claim of a namespace. Waits for the API server, but sends no request if the claim is as it
  /// should be. A refusal is checked again after an hour.
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

  /// Creates the claim or raises its request. Returns why it cannot; nil if it is done, if there is nothing to do, or
  /// if a watch will show the next change.
  private func look(
    at name: String, _ volume: KnownNamespace.Volume
  ) async throws(WriteFailure) -> Refusal? {
    let wish: NamespaceVolumeWish
    do throws(Refusal) { wish = try NamespaceVolumeWish(volume, of: name) } catch { return error }
    // In the ordinary case no request is sent.
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
    // The cache may still have an earlier namespace of that name. A watch will show what this one asks for.
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

  // MARK: Refusals and failures

  private func failed(_ name: String, _ namespace: KnownNamespace, _ failure: WriteFailure) -> Ending {
    switch failure.kind {
    // Something has changed since it was read. That is ordinary, and the retry reads it again.
    case .conflict, .exists, .missing: break
    case .rejected, .unknown:
      let message = "the claim is not as the namespace asks yet: \(failure.message). The request is retried"
      tell(
        name, namespace, "namespace volume not claimed yet", Refusal(.namespaceVolumeFailed, message))
    }
    return .failed
  }

  /// Logs a refusal and sends its Event, unless the same was sent within the last hour.
  private func tell(
    _ name: String, _ namespace: KnownNamespace, _ message: String, _ refusal: Refusal
  ) {
    guard sentRefusals.withLock({ $0.isNews(refusal, of: name, at: time.now) }) else { return }
    let values = ["namespace": name, "kind": refusal.reason.rawValue, "reason": refusal.message]
    log(LogLine(message, values, isWarning: true))
    writes.sendEvent(Self.reference(name, namespace), refusal.reason, refusal.message)
  }

  /// A reference that puts the namespace's Events into the namespace itself, where its users may read them. Events on
  /// objects without a namespace are in `default`.
  private static func reference(_ name: String, _ namespace: KnownNamespace) -> ObjectReference {
    ObjectReference(
      apiVersion: Namespace.resource.apiVersion, kind: Namespace.resource.kind, namespace: name, name: name,
      uid: namespace.uid)
  }

  private func logLine(_ message: String, _ values: [String: String]) {
    log(LogLine(message, values))
  }
}
