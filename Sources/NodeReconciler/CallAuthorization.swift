internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// Decides whether a PV permits a call to use or create its volume on this node. Sends no request.
struct CallAuthorization {
  let node: String
  let hostname: String
  /// `namespace/name` of the pod that the call is for; nil when the call does not name it.
  let pod: String?

  /// Checks whether an existing volume may be used.
  ///
  /// - Parameters:
  ///   - recorded: the instance that the PV records, or will record.
  /// - found: the instance of the existing volume; nil when there is none.
  /// - Throws: ``VolumeError`` that names the PV and the reason.
  func requireUse(of pv: PersistentVolume, recorded: String?, found: String?) throws(VolumeError) {
    let name = pv.metadata.name
    guard pv.isOurs else {
      throw VolumeError(
        .conflict, "PV \(name) does not belong to this driver; a volume of its name is neither used nor created")
    }
    try requireLabel(of: pv)
    // The label decides which node has the volume. Without a label, the affinity does.
    if pv.labelledNode == nil { try requireAffinity(of: pv) }
    try requireNamespace(of: pv)
    guard let recorded, recorded != found else { return }
    throw Self.lost(name, node: node, recorded: recorded, found: found)
  }

  /// Checks whether a volume may be created or adopted.
  ///
  /// - Throws: ``VolumeError`` that names the PV and the reason.
  func requireCreation(for pv: PersistentVolume, recorded: String?, found: String?) throws(VolumeError) {
    if pv.metadata.isBeingDeleted {
      throw VolumeError(.conflict, "PV \(pv.metadata.name) is being deleted; no volume is created for it")
    }
    try requireAffinity(of: pv)
    try requireUse(of: pv, recorded: recorded, found: found)
  }

  /// Checks that the PV requests this content. Anyone who can create pods can write other options into an inline volume of the
  /// PV's name, and a clone would show them another tenant's data.
  func requireSource(_ source: VolumeSource, of pv: PersistentVolume) throws(VolumeError) {
    guard let origin = source.origin, pv.origin != origin else { return }
    throw VolumeError(
      .forbidden,
      "volume \(pv.metadata.name) is to be a clone of volume \(origin.name), which its PV does not ask for; nothing was created"
    )
  }

  /// An inline volume, which has no PV, is never a clone.
  func requireEmptySource(_ source: VolumeSource, of name: String) throws(VolumeError) {
    guard let origin = source.origin else { return }
    throw VolumeError(
      .forbidden,
      "volume \(name) has no PV and is to be a clone of volume \(origin.name); only the volumes of PVs are clones")
  }

  /// Whether both the PV's affinity and its label name this node.
  func isAssigned(_ pv: PersistentVolume) -> Bool {
    pv.hostname == hostname && pv.labelledNode == ClusterNames.nodeLabelValue(node)
  }

  private func requireLabel(of pv: PersistentVolume) throws(VolumeError) {
    guard let label = pv.labelledNode, label != ClusterNames.nodeLabelValue(node) else { return }
    throw VolumeError(
      .conflict,
      "PV \(pv.metadata.name) belongs to node \(label) (label \(ClusterNames.nodeLabel)), and this is node \(node). If both "
        + "have the label \(ClusterNames.hostnameLabel)=\(hostname), give each its own; if the node was renamed, change "
        + "the PV's label to \(node)")
  }

  private func requireAffinity(of pv: PersistentVolume) throws(VolumeError) {
    let name = pv.metadata.name
    guard let terms = pv.nodeAffinity?.terms, !terms.isEmpty, pv.hostname != hostname else { return }
    throw VolumeError(
      .conflict,
      "PV \(name) is for node \(pv.hostname ?? "another"), where its data is, and this is \(hostname); nothing was changed"
    )
  }

  /// A tenant may use a PV's volume only through its claim, and not by an inline volume of the PV's name.
  private func requireNamespace(of pv: PersistentVolume) throws(VolumeError) {
    guard let pod else { return }
    let namespace = pod.prefix { $0 != "/" }
    if let claim = pv.claim, claim.namespace == namespace { return }
    let owner = pv.claim.map { "belongs to claim \($0.namespace)/\($0.name)" } ?? "is bound to no claim"
    throw VolumeError(
      .forbidden,
      "PV \(pv.metadata.name) \(owner); pod \(pod) may not use its volume by name. Mount it through a claim in the pod's "
        + "namespace")
  }

  static func lost(_ name: String, node: String, recorded: String, found: String?) -> VolumeError {
    let what =
      found.map { "node \(node) has another volume of that name (\($0)), which is not used" }
      ?? "node \(node) does not have it any more; no empty volume is created in its place"
    return VolumeError(
      .unsafe,
      "PV \(name) records volume \(recorded), and \(what). Bring its disk back; if its data is lost for good, delete the "
        + "claim and restore into a new one")
  }
}
