package import KubernetesAPI
package import LinuxSystem
internal import StorageLedger
package import StorageModel

/// A PV whose volume outlives its claim, as far as it counts for keeping it and giving it back.
///
/// On the heap: of a cluster's PVs, few are kept.
package final class KeptVolume: Sendable {
  package let name: String
  package let uid: String
  /// Nil where the annotation says nothing that is understood: then it is kept forever.
  package let keep: KeepTime
  /// Nil where the PV records none that is understood: then nobody gets it back without somebody's word.
  package let identity: KeptIdentity?
  /// The claim that has it, or had it last; nil where the PV says nothing of it.
  package let claim: ObjectKey?
  /// Of that claim; empty where the PV names no UID.
  package let claimUID: String
  package let phase: String
  package let storageClass: String
  package let size: ByteCount
  /// The hostname of its node; nil before it has one.
  package let hostname: String?
  /// Somebody has said that the data is to be deleted.
  package let isToBeDeleted: Bool
  /// The claim that somebody gives it to.
  package let givenTo: ObjectKey?
  package let keptSince: Timestamp?
  package let expires: Expiry
  /// Nobody has begun to delete it.
  package let isKept: Bool
  /// Its claim was deleted since its node had left the cluster: its name has another volume by now.
  package let isLeftBehind: Bool

  package enum Expiry: Hashable, Sendable {
    /// Its end has not been announced.
    case notSet
    case at(Timestamp)
    /// What somebody wrote is no time: it does not end until that is mended.
    case unreadable(String)
  }

  /// Nil for a PV that is not ours, or whose volume does not outlive its claim.
  package init?(_ volume: PersistentVolume) {
    let annotations = volume.metadata.annotations
    guard volume.isProvisionedByUs, let keep = annotations[ClusterNames.keepAnnotation] else { return nil }
    name = volume.metadata.name
    uid = volume.metadata.uid
    self.keep = Self.keepTime(keep)
    identity = annotations[ClusterNames.keptForAnnotation].flatMap(KeptIdentity.init(recorded:))
    claim =
      volume.claim.map { ObjectKey(namespace: $0.namespace, name: $0.name) }
      ?? annotations[ClusterNames.keptClaimAnnotation].flatMap(Self.key)
    claimUID = volume.claim?.uid ?? ""
    phase = volume.phase
    storageClass = volume.storageClassName
    size = volume.size
    hostname = volume.hostname
    isToBeDeleted = annotations[ClusterNames.deleteDataAnnotation] == "true"
    givenTo = annotations[ClusterNames.giveToAnnotation].flatMap(Self.key)
    keptSince = annotations[ClusterNames.keptSinceAnnotation].flatMap(Timestamp.init(rfc3339:))
    expires = Self.expiry(annotations[ClusterNames.expiresAnnotation])
    isLeftBehind = annotations[ClusterNames.nodeLossAnnotation] != nil
    isKept = !volume.metadata.isBeingDeleted && volume.reclaimPolicy == "Retain"
  }

  private static func keepTime(_ text: String) -> KeepTime {
    // Somebody has changed it by hand: what is not understood deletes nothing.
    do throws(VolumeError) { return try KeepTime(parsing: text) } catch { return .forever }
  }

  private static func expiry(_ text: String?) -> Expiry {
    guard let text else { return .notSet }
    return Timestamp(rfc3339: text).map(Expiry.at) ?? .unreadable(text)
  }

  private static func key(_ text: String) -> ObjectKey? {
    let words = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 2, words.allSatisfy({ !$0.isEmpty }) else { return nil }
    return ObjectKey(namespace: words[0], name: words[1])
  }
}

extension KeptVolume {
  /// No claim has it, as far as Kubernetes has said.
  package var isUnbound: Bool { phase != "Bound" && phase != "Pending" && phase != "" }

  /// The PV names a claim with its UID, so Kubernetes gives it to nobody else.
  package var isReserved: Bool { !claimUID.isEmpty }

  /// What a PV records of the claim that it is kept for.
  package static func annotations(for claim: ObjectKey, _ identity: KeptIdentity) -> StringMap {
    [
      ClusterNames.keptForAnnotation: identity.description, ClusterNames.keptClaimAnnotation: claim.description,
    ]
  }

  /// The labels by which API servers find the volumes that are kept for a claim.
  package static func labels(for claim: ObjectKey, _ identity: KeptIdentity) -> StringMap {
    var labels: StringMap = [ClusterNames.keptClaimLabel: ClusterNames.digest(claim.description)]
    if let owner = ownerDigest(identity, claim.name) { labels[ClusterNames.keptOwnerLabel] = owner }
    return labels
  }

  static func ownerDigest(_ identity: KeptIdentity, _ claim: String) -> String? {
    guard case .owner = identity else { return nil }
    return ClusterNames.digest("\(identity)/\(claim)")
  }
}
