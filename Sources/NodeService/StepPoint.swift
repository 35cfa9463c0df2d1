package import StorageModel

/// The named places between two steps at which a crash must be survived.
///
/// A step point is reached after its change is done and before the next step begins. The tests kill the daemon at each
/// of them. A new step needs a new name; the tests then cover it without changes.
package enum StepPoint: String, Sendable, CaseIterable {
  // creating
  case permitWritten = "permit-written"
  case volumeCreated = "volume-created"
  case volumeCleared = "volume-cleared"
  case volumeAdopted = "volume-adopted"
  case formatPermitted = "format-permitted"
  case formatted = "formatted"
  case permitRemoved = "permit-removed"
  // cloning
  case volumeCloned = "volume-cloned"
  case cloneSeparated = "clone-separated"
  case cloneMounted = "clone-mounted"
  case cloneGrown = "clone-grown"
  case cloneIdentified = "clone-identified"
  case cloneUnmounted = "clone-unmounted"
  // staging and publishing
  case stagingDirectoryCreated = "staging-directory-created"
  case staged = "staged"
  case published = "published"
  // unmounting
  case unpublished = "unpublished"
  case unstaged = "unstaged"
  case stagingDirectoryRemoved = "staging-directory-removed"
  case detached = "detached"
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

/// The action at a step point: none, except in tests.
package struct StepPoints: Sendable {
  private let action: @Sendable (StepPoint) async throws(VolumeError) -> Void

  package init(_ action: @Sendable @escaping (StepPoint) async throws(VolumeError) -> Void) {
    self.action = action
  }

  package static let none = StepPoints { _ async throws(VolumeError) in }

  /// Runs the action. Throws only in tests.
  package func reach(_ point: StepPoint) async throws(VolumeError) { try await action(point) }
}
