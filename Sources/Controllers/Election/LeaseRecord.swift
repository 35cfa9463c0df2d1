internal import KubernetesAPI
internal import LinuxSystem

/// The known state of a Lease, and the decisions that follow from it. No I/O. `now` is a monotonic time.
struct LeaseRecord {
  private let election: LeaderElection
  /// The Lease as it was last read or written; nil while unknown or absent.
  private(set) var lease: Lease?
  /// When this process last saw the Lease change.
  private var observed = Duration.zero

  /// Whether the server's Lease may differ by now.
  var isStale = false

  init(_ election: LeaderElection) { self.election = election }

  /// Records the server's Lease. Only a change proves that its holder is alive.
  mutating func observe(_ new: Lease?, now: Duration) {
    let isSame =
      new?.metadata.uid == lease?.metadata.uid && new?.renewTime == lease?.renewTime
      && new?.holder == lease?.holder
    if !isSame { observed = now }
    lease = new
    isStale = false
  }

  /// Whether this process holds the Lease as far as it knows, or nobody does because the Lease was deleted.
  var isOurs: Bool { lease == nil || lease?.holder == election.identity }

  /// The Lease to write; nil while another process holds it.
  func wanted(now: Duration, wallClock: Timestamp) -> Lease? {
    guard var wanted = lease else {
      return renewed(
        Lease(metadata: ObjectMeta(name: election.lease.name, namespace: election.lease.namespace)), wallClock)
    }
    if wanted.holder != election.identity {
      // The holder's duration counts, not ours: the holder may have other settings.
      let duration = Duration.seconds(max(wanted.durationSeconds, 1))
      guard wanted.holder.isEmpty || now >= observed + duration else { return nil }
      wanted.transitions += 1
      wanted.acquireTime = wallClock
    }
    return renewed(wanted, wallClock)
  }

  /// The Lease without a holder, to end the wait of other processes; nil when this process does not hold it.
  func released(wallClock: Timestamp) -> Lease? {
    guard var lease, lease.holder == election.identity else { return nil }
    lease.holder = ""
    // As in client-go: a duration of 1 s ends the lease quickly even for processes that ignore the holder.
    lease.durationSeconds = 1
    lease.renewTime = wallClock
    return lease
  }

  private func renewed(_ lease: Lease, _ wallClock: Timestamp) -> Lease {
    var lease = lease
    lease.holder = election.identity
    lease.durationSeconds = election.duration.components.seconds
    lease.acquireTime = lease.acquireTime ?? wallClock
    lease.renewTime = wallClock
    return lease
  }
}
