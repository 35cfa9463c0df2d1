internal import KubernetesAPI
internal import LinuxSystem
internal import Synchronization
internal import Telemetry

/// Runs a program's controllers: always, or only while it leads. Each term begins without any state of an earlier one.
package final class ControllerHost: Sendable {
  private let api: APIAccess
  private let election: LeaderElection?
  private let lastEvents: Duration
  private let endProcess: @Sendable () -> Void
  private let state = Mutex(State())

  private struct State {
    var isLeading = false
    /// Whether the API server has answered in the election.
    var hasBeenHeard = false
  }

  /// - Parameters:
  /// - election: decides which of several processes works; nil when this one always does.
  /// - lastEvents: how long queued Events are still sent at the end.
  /// - endProcess: ends the process at once. Called if work is still running shortly before another process may begin
  ///   it.
  package init(
    _ api: APIAccess, election: LeaderElection? = nil, lastEvents: Duration = .zero,
    endProcess: @escaping @Sendable () -> Void = { OwnProcess.kill9() }
  ) {
    self.api = api
    self.election = election
    self.lastEvents = lastEvents
    self.endProcess = endProcess
  }

  package var isLeading: Bool { state.withLock { $0.isLeading } }
  /// Whether the API server has answered in the election.
  package var hasBeenHeard: Bool { state.withLock { $0.hasBeenHeard } }

  /// Works until the task is cancelled. Starts again after a lost lease.
  ///
  /// - Parameter work: adds controllers to a term and runs it. Must end soon after its task is cancelled.
  package func run(_ work: @escaping @Sendable (Term) async -> Void) async {
    await withDiscardingTaskGroup { group in
      group.addTask { [api] in await api.events.run() }
      await takeTerms(work)
      await api.events.drain(within: lastEvents)
      group.cancelAll()
    }
  }

  private func takeTerms(_ work: @escaping @Sendable (Term) async -> Void) async {
    guard let election else { return await work(Term(api.caches())) }
    while !Task.isCancelled {
      let end = await LeaderElector(api.client, election, observer: { [self] in observe($0, election) }).run(
        endInTime: { [self] in
          api.log.error("work does not end although the lease is lost; ending the process", [:])
          endProcess()
        },
        work: { [self] in
          await work(Term(api.caches()))
          // The state of 10,000 volumes is no longer needed.
          OwnProcess.returnFreeMemory()
        })
      if end == .stopped { return }
    }
  }

  private func observe(_ notice: LeaderElector.Notice, _ election: LeaderElection) {
    state.withLock { state in
      switch notice {
      case .leading: (state.isLeading, state.hasBeenHeard) = (true, true)
      case .following: state.hasBeenHeard = true
      case .lost, .released: state.isLeading = false
      case .renewalFailed: break
      }
    }
    switch notice {
    case .leading: api.log.notice("leading", ["identity": election.identity])
    case .following(let holder): api.log.notice("following", ["leader": holder])
    case .renewalFailed(let error): api.log.warning("lease not renewed", ["reason": error.description])
    case .lost: api.log.warning("lease lost, work has been cancelled", [:])
    case .released: api.log.notice("lease released", [:])
    }
  }
}
