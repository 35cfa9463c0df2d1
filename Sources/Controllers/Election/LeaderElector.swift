package import KubernetesAPI

/// Runs work while this program leads.
package struct LeaderElector: Sendable {
  private let client: APIClient
  private let election: LeaderElection
  private let observer: @Sendable (Notice) -> Void

  /// What happens, for log and metrics.
  package enum Notice: Sendable {
    case leading
    /// Another holds the lease.
    case following(holder: String)
    case renewalFailed(APIError)
    /// The work was cancelled before others may take over.
    case lost
    case released
  }

  /// How it ended.
  package enum End: Sendable, Hashable {
    /// The task was cancelled; the lease is given back if it was ours.
    case stopped
    /// The lease could not be renewed in time; the work has ended. Leading again needs another `run`.
    case lost
    /// The work ended by itself; the lease is given back.
    case finished
  }

  package init(
    _ client: APIClient, _ election: LeaderElection, observer: @escaping @Sendable (Notice) -> Void = { _ in }
  ) {
    // Repeats are this type's own: one that takes longer than the deadline is worse than none.
    self.client = APIClient(
      client.transport, time: client.time, retry: RetryPolicy(attempts: 1), timeout: election.renewDeadline / 2)
    self.election = election
    self.observer = observer
  }

  /// Waits until this program leads, then runs `work` until it ends, the task is cancelled, or the lease is in danger.
  ///
  /// Returns only when the work has ended, so nothing of it goes on while another leads. The lease is renewed until
  /// then, also while a cancelled work winds up, and given back in the end if it still is ours.
  ///
  /// - Parameters:
  ///   - endInTime: called when the work, although cancelled, goes on until shortly before others may take over; by a
  ///     thread of its own where tasks do not get their turn. It must end the process.
  ///   - work: has to end soon after its task is cancelled.
  package func run(
    endInTime: @escaping @Sendable () -> Void, work: @escaping @Sendable () async -> Void
  ) async -> End {
    guard let held = await acquire() else {
      await giveBack()
      return .stopped
    }
    observer(.leading)
    let end = await lead(held, endInTime, work)
    await giveBack()
    return end
  }
}

extension LeaderElector {
  /// The lease once it is ours; nil when the task is cancelled.
  private func acquire() async -> HeldLease? {
    var record = LeaseRecord(election)
    var holder: String?
    while !Task.isCancelled {
      let begin = client.time.now
      do throws(APIError) {
        record.observe(try await read(), now: client.time.now)
        if try await write(&record) { return HeldLease(record, since: begin) }
        if let other = record.lease?.holder, other != holder {
          holder = other
          observer(.following(holder: other))
        }
      } catch {
        report(error)
      }
      guard await pause() else { return nil }
    }
    return nil
  }

  private func lead(
    _ held: HeldLease, _ endInTime: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async -> Void
  ) async -> End {
    let work = Task { await work() }
    let renewal = Task { await renew(held, work) }
    let fence = Fence(held, lastMoment: election.lastMoment, time: client.time, action: endInTime)
    let alarm = Task { await sound(held, work, fence) }
    await withTaskCancellationHandler {
      await work.value
    } onCancel: {
      work.cancel()
    }
    fence.lift()
    renewal.cancel()
    alarm.cancel()
    await renewal.value
    await alarm.value
    return held.isLost ? .lost : Task.isCancelled ? .stopped : .finished
  }

  /// Renews until cancelled, or until another holds the lease.
  private func renew(_ held: HeldLease, _ work: Task<Void, Never>) async {
    var record = held.record
    while await pause() {
      let begin = client.time.now
      do throws(APIError) {
        if record.isStale { record.observe(try await read(), now: client.time.now) }
        guard record.isOurs else { return lose(held, work) }
        guard try await write(&record) else { return lose(held, work) }
        held.renewed(at: begin)
      } catch {
        // Somebody has written, perhaps we ourselves without having heard the answer: look before the next attempt.
        record.isStale = true
        report(error)
      }
    }
  }

  /// Ends the work when the last renewal is too long ago, and the process when that does not help.
  private func sound(
    _ held: HeldLease, _ work: Task<Void, Never>, _ fence: Fence
  ) async {
    do throws(CancellationError) {
      var last = held.lastRenewal
      while true {
        try await client.time.sleep(until: last + election.renewDeadline)
        guard held.lastRenewal == last else {
          last = held.lastRenewal
          continue
        }
        break
      }
      lose(held, work)
      try await client.time.sleep(until: last + election.lastMoment)
      fence.fire()
    } catch {
      // The work has ended.
    }
  }

  private func lose(_ held: HeldLease, _ work: Task<Void, Never>) {
    work.cancel()
    if held.lose() { observer(.lost) }
  }

  /// Takes our name off the lease, so that others need not wait. A task of its own: ours may be cancelled by now.
  private func giveBack() async {
    await Task {
      do throws(APIError) {
        var record = LeaseRecord(election)
        record.observe(try await read(), now: client.time.now)
        guard let released = record.released(wallClock: client.time.wallClock) else { return }
        _ = try await client.replace(released)
        observer(.released)
      } catch {
        report(error)
      }
    }.value
  }
}

extension LeaderElector {
  private func read() async throws(APIError) -> Lease? {
    do throws(APIError) {
      return try await client.get(Lease.self, election.lease)
    } catch {
      guard error.kind == .notFound else { throw error }
      return nil
    }
  }

  /// Writes what is wanted; false while another holds the lease.
  private func write(_ record: inout LeaseRecord) async throws(APIError) -> Bool {
    guard let wanted = record.wanted(now: client.time.now, wallClock: client.time.wallClock) else { return false }
    // With its resource version: of two who write at once, one is refused.
    let written = record.lease == nil ? try await client.create(wanted) : try await client.replace(wanted)
    record.observe(written, now: client.time.now)
    return true
  }

  /// Between 0.6 and 1.25 of the retry period, so that those who wait do not come at once.
  private func pause() async -> Bool {
    do throws(CancellationError) {
      try await client.time.sleep(for: client.time.jittered(election.retryPeriod * 1.25))
      return true
    } catch {
      return false
    }
  }

  /// Being too late is how an election works, and being cancelled is no failure.
  private func report(_ error: APIError) {
    switch error.kind {
    case .cancelled, .conflict, .alreadyExists: break
    default: observer(.renewalFailed(error))
    }
  }
}
