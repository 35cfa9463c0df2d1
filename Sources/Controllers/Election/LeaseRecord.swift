internal import KubernetesAPI
internal import LinuxSystem

/// What is known of a Lease, and what follows from it. Without I/O; `now` is time that only goes forward.
struct LeaseRecord {
  private let election: LeaderElection
  /// As it was last read or written; nil while unknown or absent.
  private(set) var lease: Lease?
  /// When we saw it change for the last time.
  private var observed = Duration.zero

  /// What the server has may be another by now.
  var isStale = false

  init(_ election: LeaderElection) { self.election = election }

  /// What the server has now. Only a change says that its holder lives.
  mutating func observe(_ new: Lease?, now: Duration) {
    let isSame =
      new?.metadata.uid == lease?.metadata.uid && new?.renewTime == lease?.renewTime
      && new?.holder == lease?.holder
    if !isSame { observed = now }
    lease = new
    isStale = false
  }

  /// Ours as far as we know, or nobody's since it has been deleted.
  var isOurs: Bool { lease == nil || lease?.holder == election.identity }

  /// What to write, nil while another holds the lease.
  func wanted(now: Duration, wallClock: Timestamp) -> Lease? {
    guard var wanted = lease else {
      return renewed(
        Lease(metadata: ObjectMeta(name: election.lease.name, namespace: election.lease.namespace)), wallClock)
    }
    if wanted.holder != election.identity {
      // Another's duration counts, not ours: it may run with other settings.
      let duration = Duration.seconds(max(wanted.durationSeconds, 1))
      guard wanted.holder.isEmpty || now >= observed + duration else { return nil }
      wanted.transitions += 1
      wanted.acquireTime = wallClock
    }
    return renewed(wanted, wallClock)
  }

  /// The lease without a holder, for those who wait; nil when it is not ours.
  func released(wallClock: Timestamp) -> Lease? {
    guard var lease, lease.holder == election.identity else { return nil }
    lease.holder = ""
    // As client-go does: a lease of a second is over at once, also for those who do not look at the holder.
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
