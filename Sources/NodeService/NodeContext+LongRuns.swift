internal import LinuxSystem
internal import StorageModel
internal import Telemetry

extension NodeContext {
  /// This context for a call that must be answered within `limit`. The call waits no longer for a program.
  package func answering(within limit: Duration) -> NodeContext {
    var context = self
    context.answerBy = MonotonicClock.now() + limit
    return context
  }

  /// The time by which the call must be answered.
  var deadline: Duration { answerBy ?? MonotonicClock.now() + configuration.callPatience }

  /// Runs `body` while holding the volume's lock. If a program of an earlier call is running, first waits for its end
  /// as long as the call may wait.
  ///
  /// - Parameter whileBusy: runs instead of waiting; it returns nil to try for the lock again.
  /// - Throws: `inProgress` if the program runs longer, `cancelled` if the task is cancelled, and the errors of `body`.
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
          // The failure is thrown to the call that started the program, or to the next call that would repeat it.
          do throws(VolumeError) { try await run.wait(until: deadline) } catch {
            if [.inProgress, .cancelled].contains(error.code), !run.hasEnded { throw error }
          }
        }
      }
    }
  }

  /// Runs a program that may take longer than the call. The caller holds the volume's lock. If the call ends first, the
  /// program keeps other calls from getting the lock.
  ///
  /// - Parameters:
  /// - rollback: emptied if the call ends first. Its steps then belong to the program.
  /// - body: undoes its own steps when it fails, because no caller may be left to do that. Its task is cancelled to end
  ///   the program.
  /// - Throws: the program's failure; `inProgress` or `cancelled` if it continues.
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
    log.notice("program continues in the background", ["volume": run.volume.text, "phase": run.phase.rawValue])
    return error
  }

  private func end(_ run: LongRun, _ outcome: Result<Void, VolumeError>) async {
    var untold: VolumeError?
    if !run.beginEnd() {
      // The call that started the program has gone. No caller will use the volume's device, or unmount a mount that
      // only we have.
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
