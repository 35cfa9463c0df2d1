package import StorageModel

/// The named places between two steps where a crash has to be survived.
///
/// Each is reached after the change it names is in the world and before the next begins. The tests kill the daemon at
/// every one of them; a new step needs a new name, and the tests then cover it by themselves.
package enum StepPoint: String, Sendable, CaseIterable {
  // making
  case permitWritten = "permit-written"
  case volumeCreated = "volume-created"
  case volumeCleared = "volume-cleared"
  case volumeAdopted = "volume-adopted"
  case formatPermitted = "format-permitted"
  case formatted = "formatted"
  case permitRemoved = "permit-removed"
  // staging and publishing
  case stagingDirectoryMade = "staging-directory-made"
  case staged = "staged"
  case published = "published"
  // taking down
  case unpublished = "unpublished"
  case unstaged = "unstaged"
  case stagingDirectoryRemoved = "staging-directory-removed"
  case detached = "released"
  // the attach path
  case deviceMounted = "device-mounted"
  case deviceUnmounted = "device-unmounted"
  // growing
  case volumeExtended = "volume-extended"
  case fileSystemGrown = "file-system-grown"
  // reclaiming
  case removalProven = "removal-proven"
  case volumeRemoved = "volume-removed"
}

/// What happens at a step point: nothing, but for tests.
package struct StepPoints: Sendable {
  private let action: @Sendable (StepPoint) async throws(VolumeError) -> Void

  package init(_ action: @Sendable @escaping (StepPoint) async throws(VolumeError) -> Void) {
    self.action = action
  }

  package static let none = StepPoints { _ async throws(VolumeError) in }

  package func reach(_ point: StepPoint) async throws(VolumeError) { try await action(point) }
}
