/// How each kind of failure is answered: the one table from error code to flex status, exit code and retry class.
package struct ErrorPolicy: Hashable, Sendable {
  /// Whether the same call can succeed later.
  package enum Retry: String, Sendable {
    /// The cause ends without help.
    case later
    /// An operator must act first.
    case afterIntervention
    /// The same call can never succeed.
    case never
  }

  /// `status` of the FlexVolume reply. Only ``VolumeError/Code/unsupported`` may answer `Not supported`: kubelet
  /// remembers that until the driver is probed again.
  package let flexStatus: FlexStatus
  package let retry: Retry

  package static func policy(for code: VolumeError.Code) -> ErrorPolicy {
    switch code {
    case .notFound: ErrorPolicy(.failure, .afterIntervention)
    case .conflict: ErrorPolicy(.failure, .afterIntervention)
    case .inUse: ErrorPolicy(.failure, .later)
    case .noSpace: ErrorPolicy(.failure, .afterIntervention)
    case .invalid: ErrorPolicy(.failure, .never)
    case .unsafe: ErrorPolicy(.failure, .afterIntervention)
    case .forbidden: ErrorPolicy(.failure, .never)
    case .unavailable: ErrorPolicy(.failure, .later)
    case .cancelled: ErrorPolicy(.failure, .later)
    case .inProgress: ErrorPolicy(.failure, .later)
    case .unsupported: ErrorPolicy(.notSupported, .never)
    case .internal: ErrorPolicy(.failure, .later)
    }
  }

  private init(_ flexStatus: FlexStatus, _ retry: Retry) {
    self.flexStatus = flexStatus
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
