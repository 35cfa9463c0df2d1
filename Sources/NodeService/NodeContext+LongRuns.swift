internal import LinuxSystem
internal import StorageModel
internal import Telemetry

extension NodeContext {
  /// This context for a call that is to be answered within that time: it waits no longer for a program.
  package func answering(within limit: Duration) -> NodeContext {
    var context = self
    context.answerBy = MonotonicClock.now() + limit
    return context
  }

  /// When the call is to be answered.
  var deadline: Duration { answerBy ?? MonotonicClock.now() + configuration.callPatience }

  /// Runs `body` while holding the volume's lock. While a program of an earlier call goes on, its end is waited for, as
  /// long as the call can wait.
  ///
  /// - Parameter whileBusy: what to do instead of waiting; nil to try for the lock again.
  /// - Throws: `inProgress` when it goes on for longer, `cancelled` when the task is cancelled, what `body` throws.
  func withLock<Value>(
    _ volume: VolumeName, whileBusy: ((LongRun) async throws(VolumeError) -> Value?)? = nil,
    _ body: () async throws(VolumeError) -> Value
  ) async throws(VolumeError) -> Value {
    while true {
      switch await locks.acquire(volume) {
      case .held:
        do throws(VolumeError) {
          let value = try await body()
          locks.unlock(volume)
          return value
        } catch {
          locks.unlock(volume)
          throw error
        }
      case .cancelled: throw VolumeLocks.cancelled(volume)
      case .busy(let run):
        if let whileBusy {
          if let value = try await whileBusy(run) { return value }
        } else {
          // The reason is told to the call that began it, or to the next call that would repeat it.
          do throws(VolumeError) { try await run.wait(until: deadline) } catch {
            if [.inProgress, .cancelled].contains(error.code), !run.hasEnded { throw error }
          }
        }
      }
    }
  }

  /// Runs a program that may take longer than the call. The caller holds the volume's lock; when the call ends first, the
  /// program keeps others from getting it.
  ///
  /// - Parameters:
  ///   - rollback: is emptied when the call ends first: what it has made is the program's then.
  ///   - body: undoes what it has begun when it fails, since nobody else may be there to do it. Its task is cancelled when
  ///     the program is to end.
  /// - Throws: why it failed, `inProgress` or `cancelled` when it goes on.
  func perform(
    _ phase: LongRun.Phase, on volume: VolumeName, _ rollback: inout Rollback,
    _ body: @escaping @Sendable (ToolProgress) async throws(VolumeError) -> Void
  ) async throws(VolumeError) {
    try checkCancellation(volume)
    let run = LongRun(volume, phase, startedAt: now().description)
    locks.begin(run)
    run.begin { [self] in
      var outcome: Result<Void, VolumeError> = .success(())
      do throws(VolumeError) { try await body(run.progress) } catch { outcome = .failure(error) }
      await end(run, outcome)
    }
    switch await run.turn(until: deadline, isCaller: true) {
    case .ended: return try run.result()
    case .late: throw leave(run, &rollback, run.goesOn)
    case .left: throw leave(run, &rollback, run.goesOnAlone)
    }
  }

  private func leave(_ run: LongRun, _ rollback: inout Rollback, _ error: VolumeError) -> VolumeError {
    rollback.keep()
    log.notice("program goes on in the background", ["volume": run.volume.text, "phase": run.phase.rawValue])
    return error
  }

  private func end(_ run: LongRun, _ outcome: Result<Void, VolumeError>) async {
    var untold: VolumeError?
    if !run.beginEnd() {
      // Whoever began it is gone: nobody uses the volume's device, or unmounts what only we have mounted.
      do throws(VolumeError) {
        try await Stager(context: self).unstageIfUnused(run.volume)
      } catch {
        log.warning("volume cannot be unstaged yet", ["volume": run.volume.text, "reason": error.message])
      }
      var values = ["volume": run.volume.text, "phase": run.phase.rawValue, "seconds": "\(run.age.components.seconds)"]
      if case .failure(let error) = outcome {
        values["reason"] = "\(error)"
        if error.code != .cancelled { untold = error }
        log.error("program in the background failed", values)
      } else {
        log.notice("program in the background has ended", values)
      }
    }
    locks.end(run, untold)
    run.finish(outcome)
  }
}
