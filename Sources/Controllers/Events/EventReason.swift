package import StorageModel

/// The reasons of all Events that we record: one word each, which never changes, since machines look for it. A reason is always
/// either a warning or not. `docs/operations.md` lists them for operators, and a test compares.
package enum EventReason: String, Sendable, CaseIterable {
  // claims without a volume
  /// A claim that had met trouble has its volume.
  case provisioningSucceeded = "ProvisioningSucceeded"
  /// The claim asks for what these volumes cannot be. Changing the claim is the only way.
  case unsupportedClaim = "UnsupportedClaim"
  /// The storage class is not as it should be.
  case invalidStorageClass = "InvalidStorageClass"
  /// There is no free space for a volume, or for its growth.
  case insufficientStorage = "InsufficientStorage"
  /// The API server or something else failed; it is tried again.
  case provisioningFailed = "ProvisioningFailed"

  // namespaces that ask for a volume
  /// The label or an annotation of the namespace asks for what cannot be.
  case invalidNamespaceVolume = "InvalidNamespaceVolume"
  /// There is another claim of that name.
  case namespaceVolumeConflict = "NamespaceVolumeConflict"
  /// The API server failed or refused the claim; it is tried again.
  case namespaceVolumeFailed = "NamespaceVolumeFailed"

  // volumes and their PVs
  /// There is free space now for a volume that is to grow.
  case volumeCanGrow = "VolumeCanGrow"
  /// A program works on the volume.
  case volumeInProgress = "VolumeInProgress"
  /// The kernel reports a problem of the volume's file system.
  case volumeConditionAbnormal = "VolumeConditionAbnormal"
  case volumeConditionNormal = "VolumeConditionNormal"
  /// The volume that the PV records is not on its node.
  case volumeLost = "VolumeLost"
  /// The volume is kept, since it may still be wanted.
  case volumeProtected = "VolumeProtected"
  /// The PV goes without its volume having been removed.
  case volumeGivenUp = "VolumeGivenUp"
  /// The node of the volume has left the cluster.
  case nodeGone = "NodeGone"
  /// A volume of ours that no PV names.
  case orphanedVolume = "OrphanedVolume"

  // volumes that outlive their claims
  /// A claim has the volume that was kept for it.
  case keptVolumeReturned = "KeptVolumeReturned"
  /// A volume is kept under the claim's name that the claim may not have, or somebody has to decide about a kept volume.
  case keptVolumeConflict = "KeptVolumeConflict"
  /// A kept volume is deleted soon.
  case keptVolumeExpiring = "KeptVolumeExpiring"
  /// A kept volume's time is over.
  case keptVolumeExpired = "KeptVolumeExpired"
  /// The data is deleted when the claim goes, since somebody has said so.
  case keptDataDeletion = "KeptDataDeletion"

  // why a node cannot do something with a volume
  case volumeNotFound = "VolumeNotFound"
  case volumeConflict = "VolumeConflict"
  case volumeInUse = "VolumeInUse"
  case invalidVolumeRequest = "InvalidVolumeRequest"
  case forbidden = "Forbidden"
  case unsupported = "Unsupported"
  case volumeCallCancelled = "VolumeCallCancelled"
  case nodeStorageUnavailable = "NodeStorageUnavailable"
  case nodeStorageFailure = "NodeStorageFailure"
}

extension EventReason {
  package var isWarning: Bool {
    switch self {
    case .provisioningSucceeded, .volumeCanGrow, .volumeInProgress, .volumeConditionNormal, .keptVolumeReturned: false
    case .unsupportedClaim, .invalidStorageClass, .insufficientStorage, .provisioningFailed,
      .invalidNamespaceVolume, .namespaceVolumeConflict, .namespaceVolumeFailed,
      .volumeConditionAbnormal, .volumeLost, .volumeProtected, .volumeGivenUp, .nodeGone, .orphanedVolume,
      .keptVolumeConflict, .keptVolumeExpiring, .keptVolumeExpired, .keptDataDeletion,
      .volumeNotFound, .volumeConflict, .volumeInUse, .invalidVolumeRequest, .forbidden, .unsupported,
      .volumeCallCancelled, .nodeStorageUnavailable, .nodeStorageFailure:
      true
    }
  }

  /// `type` of the Event.
  package var type: String { isWarning ? "Warning" : "Normal" }

  /// The reason of an Event about a volume that a node cannot do something with.
  package init(_ code: VolumeError.Code) {
    self =
      switch code {
      case .notFound: .volumeNotFound
      case .conflict: .volumeConflict
      case .inUse: .volumeInUse
      case .noSpace: .insufficientStorage
      case .invalid: .invalidVolumeRequest
      case .unsafe: .volumeProtected
      case .forbidden: .forbidden
      case .unavailable: .nodeStorageUnavailable
      case .cancelled: .volumeCallCancelled
      case .inProgress: .volumeInProgress
      case .unsupported: .unsupported
      case .internal: .nodeStorageFailure
      }
  }
}
