package import StorageModel

/// The reasons of all Events that we send: one word each. A reason never changes, because programs match it. Each
/// reason is always a warning or always normal. `docs/operations.md` lists them for operators, and a test compares.
package enum EventReason: String, Sendable, CaseIterable {
  // claims without a volume
  /// A claim got its volume after earlier problems.
  case provisioningSucceeded = "ProvisioningSucceeded"
  /// The claim requests something that these volumes do not support. Only a change of the claim helps.
  case unsupportedClaim = "UnsupportedClaim"
  /// The storage class is not valid.
  case invalidStorageClass = "InvalidStorageClass"
  /// There is not enough free space for a volume or its growth.
  case insufficientStorage = "InsufficientStorage"
  /// The API server or another part failed. The operation is retried.
  case provisioningFailed = "ProvisioningFailed"

  // namespaces that ask for a volume
  /// The label or an annotation of the namespace asks for what cannot be.
  case invalidNamespaceVolume = "InvalidNamespaceVolume"
  /// There is another claim of that name.
  case namespaceVolumeConflict = "NamespaceVolumeConflict"
  /// The API server failed or refused the claim; it is tried again.
  case namespaceVolumeFailed = "NamespaceVolumeFailed"

  // volumes and their PVs
  /// There is enough free space now for the growth of a volume.
  case volumeCanGrow = "VolumeCanGrow"
  /// A program works on the volume.
  case volumeInProgress = "VolumeInProgress"
  /// The kernel reports a problem of the volume's file system.
  case volumeConditionAbnormal = "VolumeConditionAbnormal"
  case volumeConditionNormal = "VolumeConditionNormal"
  /// The volume that the PV records is not on its node.
  case volumeLost = "VolumeLost"
  /// The volume is kept because it may still be needed.
  case volumeProtected = "VolumeProtected"
  /// The PV is deleted although its volume has not been removed.
  case volumeGivenUp = "VolumeGivenUp"
  /// The node of the volume has left the cluster.
  case nodeGone = "NodeGone"
  /// The claim was deleted because its volume's node has left the cluster, so that another is created in its place.
  case claimRecreated = "ClaimRecreated"
  /// The claim is to be deleted for that reason, and is not: too many were, and nobody has looked yet.
  case claimRecreationHeldBack = "ClaimRecreationHeldBack"
  /// A node has come back whose claims were being deleted.
  case nodeReturned = "NodeReturned"
  /// A volume of ours that no PV names.
  case orphanedVolume = "OrphanedVolume"

  // volumes that outlive their claims
  /// A claim has got back the volume that was kept for it.
  case keptVolumeReturned = "KeptVolumeReturned"
  /// A volume is kept under the claim's name, but not for this claim; or an operator has to decide about a kept volume.
  case keptVolumeConflict = "KeptVolumeConflict"
  /// A kept volume will be deleted soon.
  case keptVolumeExpiring = "KeptVolumeExpiring"
  /// The time of a kept volume is over.
  case keptVolumeExpired = "KeptVolumeExpired"
  /// The data is deleted with the claim, because a user or an operator has requested that.
  case keptDataDeletion = "KeptDataDeletion"

  // pools of volumes that are ready before they are asked for
  /// A pool gets more or fewer replicas.
  case poolScaling = "PoolScaling"
  /// A replica is not used: its init job has failed.
  case staleReplica = "StaleReplica"
  /// The pool asks for what cannot be.
  case invalidPool = "InvalidPool"
  /// A checkout's pool does not exist, or has no replica that is ready.
  case poolAvailability = "PoolAvailability"
  /// A checkout's claim cannot have the volume: another claim has its name, or the volume has gone.
  case volumeAttachment = "VolumeAttachment"
  /// The checkout asks for what cannot be, or was changed while it has a volume.
  case invalidCheckout = "InvalidCheckout"

  // why an operation on a volume failed on its node
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
    case .provisioningSucceeded, .volumeCanGrow, .volumeInProgress, .volumeConditionNormal, .keptVolumeReturned,
      .poolScaling:
      false
    case .unsupportedClaim, .invalidStorageClass, .insufficientStorage, .provisioningFailed,
      .invalidNamespaceVolume, .namespaceVolumeConflict, .namespaceVolumeFailed,
      .volumeConditionAbnormal, .volumeLost, .volumeProtected, .volumeGivenUp, .nodeGone, .claimRecreated,
      .claimRecreationHeldBack, .nodeReturned, .orphanedVolume,
      .keptVolumeConflict, .keptVolumeExpiring, .keptVolumeExpired, .keptDataDeletion,
      .staleReplica, .invalidPool, .poolAvailability, .volumeAttachment, .invalidCheckout,
      .volumeNotFound, .volumeConflict, .volumeInUse, .invalidVolumeRequest, .forbidden, .unsupported,
      .volumeCallCancelled, .nodeStorageUnavailable, .nodeStorageFailure:
      true
    }
  }

  /// `type` of the Event.
  package var type: String { isWarning ? "Warning" : "Normal" }

  /// The reason of an Event about an operation on a volume that failed on its node.
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
