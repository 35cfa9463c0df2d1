package import KubernetesAPI
package import LinuxSystem
internal import StorageLedger
package import StorageModel

/// The fields of a PV whose volume outlives its claim, as far as keeping and giving back need them.
///
/// A class, so that a cache has one pointer for each of the many other PVs.
package final class KeptVolume: Sendable {
  /// The name of the PV and of the volume.
  package let name: String
  /// The UID of the PV.
  package let uid: String
  /// How long the volume is kept without a claim. ``KeepTime/forever`` if the annotation `keep` is not valid.
  package let keep: KeepTime
  /// Whose the volume is. Nil if the annotation `kept-for` is missing or not valid; then only `give-to` gives it back.
  package let identity: KeptIdentity?
  /// The claim that has the volume or had it last; nil if the PV records none.
  package let claim: ObjectKey?
  /// The UID in the PV's `claimRef`; empty if there is none.
  package let claimUID: String
  /// The PV's `status.phase`.
  package let phase: String
  /// The name of the PV's storage class; empty for none.
  package let storageClass: String
  /// The PV's capacity.
  package let size: ByteCount
  /// The hostname of the volume's node; nil before it has one.
  package let hostname: String?
  /// Whether the annotation `delete-data` requests the deletion of the data.
  package let isToBeDeleted: Bool
  /// The claim that the annotation `give-to` names; nil if it names none.
  package let givenTo: ObjectKey?
  /// Since when the volume has had no claim; nil before that is recorded.
  package let keptSince: Timestamp?
  /// When the volume is deleted.
  package let expires: Expiry
  /// Whether the PV has policy Retain and is not being deleted.
  package let isKept: Bool
  /// Whether the PV is set aside: its claim was deleted because its node had left the cluster. The claim's name then
  /// has another volume.
  package let isLeftBehind: Bool

  /// The value of the annotation `expires`.
  package enum Expiry: Hashable, Sendable {
    /// There is no such annotation: the end has not been announced.
    case notSet
    /// The volume is deleted after this time.
    case at(Timestamp)
    /// The value is not a time. The volume does not expire.
    case unreadable(String)
  }

  /// Takes the fields from a PV; nil for a PV that we did not create, and for one whose volume does not outlive its
  /// claim.
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
    // A user has changed the annotation. A value that is not valid deletes nothing.
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
  /// Whether the PV's phase says that no claim has the volume.
  package var isUnbound: Bool { phase != "Bound" && phase != "Pending" && phase != "" }

  /// Whether the PV names a claim with a UID. Kubernetes then binds the PV to no other claim.
  package var isReserved: Bool { !claimUID.isEmpty }

  /// The annotations that record on a PV the claim that it is kept for.
  package static func annotations(for claim: ObjectKey, _ identity: KeptIdentity) -> StringMap {
    [
      ClusterNames.keptForAnnotation: identity.description, ClusterNames.keptClaimAnnotation: claim.description,
    ]
  }

  /// The labels that select the PVs that are kept for a claim, each with a digest as its value. Such a PV may match
  /// only one of them, so each label needs a list of its own.
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
