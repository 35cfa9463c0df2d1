package import KubernetesAPI

/// Runs work while this program leads.
package struct LeaderElector: Sendable {
  private let client: APIClient
  private let election: LeaderElection
  private let observer: @Sendable (Notice) -> Void

  /// Changes of the election's state, for log and metrics.
  package enum Notice: Sendable {
    case leading
    /// Another process holds the lease.
    case following(holder: String)
    case renewalFailed(APIError)
    /// The work was cancelled before others could take over.
    case lost
    case released
  }

  /// How the election ended.
  package enum End: Sendable, Hashable {
    /// The task was cancelled. The lease is released if this process held it.
    case stopped
    /// The lease could not be renewed in time. The work has ended. Call `run` again to lead again.
    case lost
    /// The work ended by itself. The lease is released.
    case finished
  }

  package init(
    _ client: APIClient, _ election: LeaderElection, observer: @escaping @Sendable (Notice) -> Void = { _ in }
  ) {
    // This type retries by itself, because a retried request that exceeds the deadline is worse than none.
    self.client = APIClient(
      client.transport, time: client.time, retry: RetryPolicy(attempts: 1), timeout: election.renewDeadline / 2)
    self.election = election
    self.observer = observer
  }

  /// Waits until this process leads, then runs `work` until it ends, the task is cancelled, or the lease cannot be
  /// renewed.
  ///
  /// Returns only when the work has ended, so no work continues while another process leads. The lease is renewed until
  /// then, even while cancelled work is ending, and is released at the end if this process still holds it.
  ///
  /// - Parameters:
  /// - endInTime: called if cancelled work is still running shortly before others may take over. If tasks do not run, a
  ///   separate thread calls it. It must end the process.
  /// - work: must end soon after its task is cancelled.
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
  /// Waits for the lease. Returns nil when the task is cancelled.
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

  /// Renews the lease until cancelled, or until another process holds it.
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
        // The Lease has changed, perhaps by our own request whose answer was lost. It is read before the next attempt.
        record.isStale = true
        report(error)
      }
    }
  }

  /// Cancels the work if the last renewal is too long ago, and ends the process if the work still does not end.
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

  /// Releases the lease, so that other processes need not wait. Runs in a task of its own, because the caller's may be
  /// cancelled.
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

  /// Writes the desired Lease. Returns false while another process holds it.
  private func write(_ record: inout LeaseRecord) async throws(APIError) -> Bool {
    guard let wanted = record.wanted(now: client.time.now, wallClock: client.time.wallClock) else { return false }
    // The write has a resource version: if two processes write at once, the server refuses one.
    let written = record.lease == nil ? try await client.create(wanted) : try await client.replace(wanted)
    record.observe(written, now: client.time.now)
    return true
  }

  /// Waits for 0.6 to 1.25 retry periods, so that waiting processes do not send requests at once.
  private func pause() async -> Bool {
    do throws(CancellationError) {
      try await client.time.sleep(for: client.time.jittered(election.retryPeriod * 1.25))
      return true
    } catch {
      return false
    }
  }

  /// Reports an error, unless it is a conflict or a cancellation. Conflicts are normal in an election.
  private func report(_ error: APIError) {
    switch error.kind {
    case .cancelled, .conflict, .alreadyExists: break
    default: observer(.renewalFailed(error))
    }
  }
}
