package import Controllers
package import KubernetesAPI

/// How an attempt to create a PV with reserved space ended.
package enum Allocation: Sendable {
  /// The API server has taken the PV.
  case created(PersistentVolume)
  /// The PV was there already and is the client's: an earlier answer was lost, or a former leader wrote it.
  case adopted(PersistentVolume)
  /// A PV of the name is there and is not the client's. Nothing was written, and no space is reserved.
  case foreign(PersistentVolume)
  /// The node cannot take the volume. Nothing was written.
  case notEnoughSpace(Shortage)
  /// The API server refused the request, or the PV is being deleted. Nothing was written. Try again later.
  case refused(WriteFailure)
  /// Nobody knows yet whether the PV was written. Its space stays reserved until that is known. Try again later.
  case unsettled(WriteFailure)
}

/// Free space of a node that may have changed.
package struct FreeSpaceChange: Sendable {
  /// By the hostname that volumes are pinned to.
  package var node: String
  /// Whether it may have become more.
  package var isMore: Bool
}
