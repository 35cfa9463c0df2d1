package import Controllers
package import KubernetesAPI

/// How an attempt to create a PV with reserved space ended.
package enum Allocation: Sendable {
  /// The API server has created the PV.
  case created(PersistentVolume)
  /// The PV existed already and is the client's: an earlier answer was lost, or a former leader created it.
  case adopted(PersistentVolume)
  /// A PV of this name exists and is not the client's. Nothing was written, and no space is reserved.
  case foreign(PersistentVolume)
  /// The node cannot take the volume. Nothing was written.
  case notEnoughSpace(Shortage)
  /// The API server refused the request, or the PV is being deleted. Nothing was written. Try again later.
  case refused(WriteFailure)
  /// It is not known whether the PV was written. Its space stays reserved until that is known. Try again later.
  case unsettled(WriteFailure)
}

/// A possible change of a node's free space.
package struct FreeSpaceChange: Sendable {
  /// The hostname that volumes are pinned to.
  package var node: String
  /// Whether the free space may have increased.
  package var isMore: Bool
}
