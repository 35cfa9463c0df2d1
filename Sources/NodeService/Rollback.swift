internal import StorageModel

/// The undo list of one call: what was done so far, to be taken back in reverse when a later step fails.
struct Rollback {
  private var steps: [(what: String, undo: () async throws(VolumeError) -> Void)] = []

  /// Adds the undoing of a step that has just been done (or has been begun).
  mutating func add(_ what: String, _ undo: @escaping () async throws(VolumeError) -> Void) {
    steps.append((what, undo))
  }

  /// Forgets everything: from here on the steps stay done.
  mutating func keep() { steps = [] }

  /// Takes all steps back, the last first. A failing one does not stop the others.
  ///
  /// - Returns: the first failure, naming the step.
  func run() async -> VolumeError? {
    var failure: VolumeError?
    for step in steps.reversed() {
      do throws(VolumeError) {
        try await step.undo()
      } catch {
        failure = failure ?? error.during("undoing \(step.what)")
      }
    }
    return failure
  }
}

/// Runs `body`; when it throws, everything it has added to its rollback is undone before the error goes on.
func withRollback<Value>(
  _ body: (inout Rollback) async throws(VolumeError) -> Value
) async throws(VolumeError) -> Value {
  var rollback = Rollback()
  do throws(VolumeError) {
    return try await body(&rollback)
  } catch {
    guard let failure = await rollback.run() else { throw error }
    throw VolumeError(
      error.code, "\(error.message); undoing it failed as well: \(failure.message)",
      cause: RollbackError(original: error, rollback: failure))
  }
}

/// Throws `cancelled` when the caller has gone away: between two steps, so that what was begun is undone.
func checkCancellation(_ volume: VolumeName) throws(VolumeError) {
  if Task.isCancelled {
    throw VolumeError(.cancelled, "the caller went away; what was begun for volume \(volume) has been undone")
  }
}
