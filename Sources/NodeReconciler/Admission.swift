internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// Whether a PV lets a call use or create its volume on this node. Pure: asks nobody.
struct Admission {
  let node: String
  let hostname: String
  /// `namespace/name` of the pod that the call is for; nil when the call does not say.
  let pod: String?

  /// Checks the use of a volume that exists.
  ///
  /// - Parameters:
  ///   - recorded: the instance that the PV records, or will record.
  ///   - found: the instance that is there; nil when none is.
  func requireUse(of pv: PersistentVolume, recorded: String?, found: String?) throws(VolumeError) {
    let name = pv.metadata.name
    guard pv.isOurs else {
      throw VolumeError(
        .conflict, "PV \(name) is not one of this driver's; a volume of its name is neither used nor created")
    }
    try requireLabel(of: pv)
    // The label says whose the volume is; without one the affinity does.
    if pv.labelledNode == nil { try requireAffinity(of: pv) }
    try requireNamespace(of: pv)
    guard let recorded, recorded != found else { return }
    throw Self.lost(name, node: node, recorded: recorded, found: found)
  }

  /// Checks the creation of a volume, or its adoption.
  func requireCreation(for pv: PersistentVolume, recorded: String?, found: String?) throws(VolumeError) {
    if pv.metadata.isBeingDeleted {
      throw VolumeError(.conflict, "PV \(pv.metadata.name) is being deleted; no volume is created for it")
    }
    try requireAffinity(of: pv)
    try requireUse(of: pv, recorded: recorded, found: found)
  }

  /// Whether the PV names this node, by both its affinity and its label.
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

  /// A tenant reaches a PV's volume through its claim only, not by giving an inline volume the PV's name.
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
      found.map { "the volume of that name on node \(node) is another one (\($0)); it is not used" }
      ?? "it is not on node \(node) any more; no empty volume is created in its place"
    return VolumeError(
      .unsafe,
      "PV \(name) records volume \(recorded), and \(what). Bring its disk back; if its data is lost for good, delete the "
        + "claim and restore into a new one")
  }
}
