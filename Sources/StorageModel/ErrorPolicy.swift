/// How a failure of each kind is answered: the one table from error code to flex status, exit code, Event reason and
/// retry class.
package struct ErrorPolicy: Hashable, Sendable {
  /// Whether the same call can succeed later.
  package enum Retry: String, Sendable {
    /// The cause passes by itself.
    case later
    /// Somebody has to act first.
    case afterIntervention
    /// The same call can never succeed.
    case never
  }

  /// `status` of the FlexVolume reply. Only ``VolumeError/Code/unsupported`` may answer `Not supported`: kubelet
  /// remembers that until the driver is probed again.
  package let flexStatus: FlexStatus
  /// Reason of the Kubernetes Event.
  package let eventReason: String
  package let retry: Retry

  package static func policy(for code: VolumeError.Code) -> ErrorPolicy {
    switch code {
    case .notFound: ErrorPolicy(.failure, "VolumeNotFound", .afterIntervention)
    case .conflict: ErrorPolicy(.failure, "VolumeConflict", .afterIntervention)
    case .inUse: ErrorPolicy(.failure, "VolumeInUse", .later)
    case .noSpace: ErrorPolicy(.failure, "InsufficientStorage", .afterIntervention)
    case .invalid: ErrorPolicy(.failure, "InvalidVolumeRequest", .never)
    case .unsafe: ErrorPolicy(.failure, "VolumeProtected", .afterIntervention)
    case .forbidden: ErrorPolicy(.failure, "Forbidden", .never)
    case .unavailable: ErrorPolicy(.failure, "NodeStorageUnavailable", .later)
    case .cancelled: ErrorPolicy(.failure, "VolumeCallCancelled", .later)
    case .inProgress: ErrorPolicy(.failure, "VolumeInProgress", .later)
    case .unsupported: ErrorPolicy(.notSupported, "Unsupported", .never)
    case .internal: ErrorPolicy(.failure, "NodeStorageFailure", .later)
    }
  }

  private init(_ flexStatus: FlexStatus, _ eventReason: String, _ retry: Retry) {
    self.flexStatus = flexStatus
    self.eventReason = eventReason
    self.retry = retry
  }
}

/// The `status` of a FlexVolume reply, spelt as kubelet compares it: case-sensitively.
package enum FlexStatus: String, Sendable, CaseIterable {
  case success = "Success"
  case failure = "Failure"
  case notSupported = "Not supported"

  /// The client's exit code. Kubelet reads a non-zero code with `Success` as a failure.
  package var exitCode: Int32 { self == .failure ? 1 : 0 }
}
