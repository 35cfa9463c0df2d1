package import KubernetesAPI
package import StorageModel
internal import Synchronization

/// What this process has under way with replicas and no watch has shown yet. Both controllers read and write it, so a replica is
/// never handed out and removed at once.
package final class ReplicaBook: Sendable {
  private let state = Mutex(State())

  private struct State {
    var births: [ObjectKey: Birth] = [:]
    /// Replicas that a checkout is about to have: the UIDs of both.
    var takers: [String: String] = [:]
    /// Replicas whose PV is another claim's already, before Kubernetes has said so of their own claims.
    var spent: Set<String> = []
    /// Replicas that are being removed.
    var leaving: Set<String> = []
  }

  /// A replica that is being created.
  package struct Birth: Hashable, Sendable {
    /// The UID of its pool.
    package var pool: String
    /// The node that it was given; nil where it was given none.
    package var node: String?
    package var size: ByteCount
    package var place: DeviceClass?
    package var attempt: Int
    /// When it was asked for last.
    package var since: Duration
    /// The answer was lost, so it may or may not exist.
    package var isInDoubt = false

    package init(
      pool: String, node: String?, size: ByteCount, place: DeviceClass?, attempt: Int, since: Duration
    ) {
      self.pool = pool
      self.node = node
      self.size = size
      self.place = place
      self.attempt = attempt
      self.since = since
    }
  }

  package init() {}
}

// MARK: - Replicas that are being created

extension ReplicaBook {
  package func births(of pool: String) -> [ObjectKey: Birth] {
    state.withLock { $0.births.filter { $0.value.pool == pool } }
  }

  /// All that are to be on nodes.
  package var placedBirths: [Birth] { state.withLock { $0.births.values.filter { $0.node != nil } } }

  package func begin(_ claim: ObjectKey, _ birth: Birth) { state.withLock { $0.births[claim] = birth } }

  package func end(_ claim: ObjectKey) { state.withLock { _ = $0.births.removeValue(forKey: claim) } }

  /// It exists.
  package func settle(_ claim: ObjectKey) { state.withLock { $0.births[claim]?.isInDoubt = false } }

  package func doubt(_ claim: ObjectKey, at now: Duration) {
    state.withLock { state in
      state.births[claim]?.isInDoubt = true
      state.births[claim]?.since = now
    }
  }
}

// MARK: - Replicas that change hands

extension ReplicaBook {
  /// Whether the checkout may have the replica from now on. Nobody else can then, until ``release(_:of:)``.
  package func take(_ replica: String, for checkout: String) -> Bool {
    state.withLock { state in
      guard !state.leaving.contains(replica), !state.spent.contains(replica) else { return false }
      guard state.takers[replica].map({ $0 == checkout }) ?? true else { return false }
      state.takers[replica] = checkout
      return true
    }
  }

  /// The checkout has it, or does not get it. Returns whether another checkout may have it now.
  @discardableResult
  package func release(of checkout: String) -> Bool {
    state.withLock { state in
      let held = state.takers.filter { $0.value == checkout }.keys
      for replica in held { state.takers[replica] = nil }
      return held.contains { !state.spent.contains($0) }
    }
  }

  /// The PV of the replica is another claim's now.
  package func spend(_ replica: String) { state.withLock { _ = $0.spent.insert(replica) } }

  /// Whether a checkout has it, or is about to.
  package func isTaken(_ replica: String) -> Bool {
    state.withLock { $0.takers[replica] != nil || $0.spent.contains(replica) }
  }

  /// Whether somebody else than the checkout has it.
  package func isTaken(_ replica: String, butNotBy checkout: String) -> Bool {
    state.withLock { $0.spent.contains(replica) || $0.takers[replica].map { $0 != checkout } ?? false }
  }

  package func isTaken(_ replica: String, by checkout: String) -> Bool {
    state.withLock { $0.takers[replica] == checkout }
  }

  /// Whether the replica may be removed. Nobody takes it from now on.
  package func leave(_ replica: String) -> Bool {
    state.withLock { state in
      guard state.takers[replica] == nil else { return false }
      state.leaving.insert(replica)
      return true
    }
  }

  /// It was not removed.
  package func stay(_ replica: String) { state.withLock { _ = $0.leaving.remove(replica) } }

  package func isLeaving(_ replica: String) -> Bool { state.withLock { $0.leaving.contains(replica) } }

  /// The replica's claim is gone.
  package func forget(_ replica: String) {
    state.withLock { state in
      state.leaving.remove(replica)
      state.spent.remove(replica)
      state.takers[replica] = nil
    }
  }
}
