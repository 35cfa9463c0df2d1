/// Our names in a cluster's objects. Like ``ProductNames`` they never change.
package enum ClusterNames {
  /// The provisioner of our storage classes. A CSIDriver object has this name too, so it contains no slash. That object
  /// makes the scheduler check our capacity.
  package static let provisioner = "elastic-local.volumes.k8s.elastic.co"

  /// The provisioner in storage classes of the Go program. It is accepted for ever.
  package static let formerProvisioner = "volumes.k8s.elastic.co/elastic-local"

  package static let provisioners: Set<String> = [provisioner, formerProvisioner]

  /// On every pinned PV: the node that has the volume. The daemon's watch selects by this label (the Go program's).
  package static let nodeLabel = "volumes.k8s.elastic.co/node-affinity"

  /// On every PV, until its volume is removed or known to be retained.
  package static let finalizer = "volumes.k8s.elastic.co/volume"

  /// On a PV whose volume was created: the volume's instance (an LV's UUID). If the node has lost that volume, it
  /// creates no empty one.
  package static let instanceAnnotation = "volumes.k8s.elastic.co/instance"

  /// On a PV that is being deleted or soon will be: the instance that its node may remove; empty if the PV records
  /// none. The provisioner sets it when no claim names the PV any more.
  package static let removalAnnotation = "volumes.k8s.elastic.co/remove"

  /// On a PV whose volume outlives its claim: how long the volume is kept then, from the storage class (``KeepTime``).
  package static let keepAnnotation = "volumes.k8s.elastic.co/keep"

  /// On a kept PV: which claims may get the volume again, `owner:VALUE` or `namespace:NAME`.
  package static let keptForAnnotation = "volumes.k8s.elastic.co/kept-for"

  /// On a kept PV: since when it has had no claim, by the API server's clock (RFC 3339).
  package static let keptSinceAnnotation = "volumes.k8s.elastic.co/kept-since"

  /// On a kept PV: the UID that `claimRef` had when ``keptSinceAnnotation`` was written. If it has another one by now, somebody
  /// has bound the PV meanwhile, and the recorded time does not count.
  package static let keptSinceClaimAnnotation = "volumes.k8s.elastic.co/kept-since-claim"

  /// On a kept PV: when it is deleted unless its claim comes back, by the API server's clock (RFC 3339). It is written
  /// when the end is announced. Anyone may change it.
  package static let expiresAnnotation = "volumes.k8s.elastic.co/expires"

  /// On a claim, a namespace or a kept PV, value `"true"`: the data is deleted for good as soon as no claim uses it.
  package static let deleteDataAnnotation = "volumes.k8s.elastic.co/delete-data"

  /// On a kept PV: `namespace/name` of the claim that gets the volume next, whichever claim had it before.
  package static let giveToAnnotation = "volumes.k8s.elastic.co/give-to"

  /// On a namespace: its owner. Kept volumes follow their owner, even into a namespace of another name.
  package static let ownerAnnotation = "volumes.k8s.elastic.co/owner"

  /// On a kept PV, as an annotation: `namespace/name` of the claim that has it, or had it last.
  package static let keptClaimAnnotation = "volumes.k8s.elastic.co/kept-claim"

  /// On a kept PV: digests of the claim that it is kept for, and of that claim's name and owner. List requests select
  /// by them.
  package static let keptClaimLabel = "volumes.k8s.elastic.co/kept-claim"
  package static let keptOwnerLabel = "volumes.k8s.elastic.co/kept-owner"

  /// On a claim whose data is to be deleted: held until its PV records that.
  package static let deleteDataFinalizer = "volumes.k8s.elastic.co/delete-data"

  /// On a PV: what happens to its claim when its node leaves the cluster (``NodeLossPolicy``).
  package static let onNodeLossAnnotation = "volumes.k8s.elastic.co/on-node-loss"

  /// On a PV that is set aside: its claim is deleted because its node has left. Since when (RFC 3339). Its volume is kept until
  /// an operator decides.
  package static let nodeLossAnnotation = "volumes.k8s.elastic.co/node-loss"

  /// A label of the same PVs, value `"true"`, by which people and API servers find them. The annotation is what counts.
  package static let nodeLossLabel = "volumes.k8s.elastic.co/node-loss"

  /// On the same PVs: the reclaim policy that the PV had, and has again if its node comes back before the claim is deleted.
  package static let formerPolicyAnnotation = "volumes.k8s.elastic.co/node-loss-former-policy"

  /// On a namespace, as a label: the size of its one volume; as annotations: the storage class and the name of its
  /// claim.
  ///
  /// On a claim: the provisioner has created it for its namespace. The value is ``namespaceVolumeMark`` then. It is no size,
  /// because some programs copy the labels of a namespace to everything in it.
  package static let namespaceVolumeLabel = "volumes.k8s.elastic.co/namespace-volume"
  package static let namespaceVolumeMark = "true"
  package static let namespaceVolumeClassAnnotation = "volumes.k8s.elastic.co/namespace-volume-class"
  package static let namespaceVolumeClaimAnnotation = "volumes.k8s.elastic.co/namespace-volume-claim"

  /// The topology key of our volumes. Kubelet sets this label on its node.
  package static let hostnameLabel = "kubernetes.io/hostname"

  /// On the objects that show a node's free space for a storage class.
  package static let componentLabel = "app.kubernetes.io/component"
  package static let nodeCapacityComponent = "node-capacity"

  /// The name of the CSIStorageCapacity, in our namespace, that shows a node's free space for a storage class.
  package static func nodeCapacityObject(of node: String, storageClass: String) -> String {
    let text = "elastic-local.\(node).\(storageClass)"
    // Node `a.b` with class `c` must not get the same name as node `a` with class `b.c`.
    let isPlain = !node.utf8.contains(0x2E) && text.utf8.count <= 63
    return isPlain ? text : shortened(text, for: "\(node)/\(storageClass)")
  }
}

extension ClusterNames {
  /// Whether the API server takes a text for the name of an object: a DNS subdomain (RFC 1123) of at most 253 characters.
  package static func isObjectName(_ text: String) -> Bool {
    let labels = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    return text.utf8.count <= 253
      && labels.allSatisfy { label in
        label.first != 0x2D && label.last != 0x2D && !label.isEmpty
          && label.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
      }
  }

  /// A node's name as the value of ``nodeLabel``. A label's value has at most 63 characters, a node's name up to 253. A
  /// longer name keeps its beginning, followed by a digest of the whole name.
  package static func nodeLabelValue(_ node: String) -> String {
    node.utf8.count > 63 ? shortened(node, for: node) : node
  }

  /// A text of any length as a label's value: 16 hexadecimal digits. Two texts with the same digest are unlikely. A
  /// reader that selects objects by digest must still compare the texts.
  package static func digest(_ text: String) -> String {
    // FNV-1a, 64 bits (Fowler, Noll, Vo): stable.
    let digest = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    let digits = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The beginning of a DNS subdomain's text, followed by a digest.
  private static func shortened(_ text: String, for whole: String) -> String {
    // No part of such a name ends or begins with a hyphen (RFC 1123).
    let kept = text.prefix(46).reversed().drop { $0 == "." || $0 == "-" }.reversed()
    return "\(String(kept))-\(digest(whole))"
  }
}
