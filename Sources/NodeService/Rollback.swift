internal import StorageModel

/// The undo list of one call. When a step fails, the earlier steps are undone in reverse order.
struct Rollback {
  private var steps: [(what: String, undo: () async throws(VolumeError) -> Void)] = []

  /// Adds the undo of a step that has been done or begun.
  mutating func add(_ what: String, _ undo: @escaping () async throws(VolumeError) -> Void) {
    steps.append((what, undo))
  }

  /// Empties the list: the steps so far stay done.
  mutating func keep() { steps = [] }

  /// Undoes all steps, the last first. A failure does not stop the others.
  ///
  /// - Returns: the first failure, with the step's name.
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

/// Runs `body`. If it throws, undoes all steps of its rollback and rethrows the error.
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

/// Throws `cancelled` if the caller has disconnected. Called between two steps, so that the earlier steps are undone.
func checkCancellation(_ volume: VolumeName) throws(VolumeError) {
  if Task.isCancelled {
    throw VolumeError(.cancelled, "the caller disconnected; the steps for volume \(volume) have been undone")
  }
}
