/// What we are called in a cluster's objects. Like ``ProductNames`` these never change.
package enum ClusterNames {
  /// The provisioner of our storage classes. It is also the name of a CSIDriver object, which can hold no slash: that
  /// makes the scheduler consult our capacity.
  package static let provisioner = "elastic-local.volumes.k8s.elastic.co"

  /// What storage classes of the Go program name; accepted for ever.
  package static let formerProvisioner = "volumes.k8s.elastic.co/elastic-local"

  package static let provisioners: Set<String> = [provisioner, formerProvisioner]

  /// On every PV that is pinned: the node that has the volume. The daemon's watch selects by it (the Go program's label).
  package static let nodeLabel = "volumes.k8s.elastic.co/node-affinity"

  /// On every PV: held until the volume itself is gone, or is known to be kept.
  package static let finalizer = "volumes.k8s.elastic.co/volume"

  /// On a PV whose volume has been made: which instance it is (an LV's UUID). A node that has lost it makes no empty one.
  package static let instanceAnnotation = "volumes.k8s.elastic.co/instance"

  /// On a PV that is being deleted, or is about to be: the instance that its node may remove, empty where the PV records
  /// none. The provisioner sets it when no claim names the PV any more.
  package static let removalAnnotation = "volumes.k8s.elastic.co/remove"

  /// On a PV whose volume outlives its claim: how long it is kept then, as the class said it (``KeepTime``).
  package static let keepAnnotation = "volumes.k8s.elastic.co/keep"

  /// On a PV that is kept: who may have it again, `owner:VALUE` or `namespace:NAME`.
  package static let keptForAnnotation = "volumes.k8s.elastic.co/kept-for"

  /// On a PV that is kept: since when it has had no claim, by the API server's clock (RFC 3339).
  package static let keptSinceAnnotation = "volumes.k8s.elastic.co/kept-since"

  /// On a PV that is kept: when it is deleted unless its claim comes back, by the API server's clock (RFC 3339). It is written
  /// when the end is announced, and can be changed by hand.
  package static let expiresAnnotation = "volumes.k8s.elastic.co/expires"

  /// On a claim, a namespace or a kept PV, value `"true"`: the data is deleted for good as soon as no claim has it.
  package static let deleteDataAnnotation = "volumes.k8s.elastic.co/delete-data"

  /// On a kept PV: `namespace/name` of the claim that is to have it, whoever had it before.
  package static let giveToAnnotation = "volumes.k8s.elastic.co/give-to"

  /// On a namespace: whose it is. Kept volumes follow their owner, also into a namespace of another name.
  package static let ownerAnnotation = "volumes.k8s.elastic.co/owner"

  /// On a PV that is kept, as an annotation: `namespace/name` of the claim that has it or had it last.
  package static let keptClaimAnnotation = "volumes.k8s.elastic.co/kept-claim"

  /// On a PV that is kept: a digest of that claim, and one of the claim's name and its owner. API servers find it by these.
  package static let keptClaimLabel = "volumes.k8s.elastic.co/kept-claim"
  package static let keptOwnerLabel = "volumes.k8s.elastic.co/kept-owner"

  /// On a claim whose data is to be deleted: held until that is recorded on its PV.
  package static let deleteDataFinalizer = "volumes.k8s.elastic.co/delete-data"

  /// On a PV: what becomes of its claim when its node leaves the cluster (``NodeLossPolicy``).
  package static let onNodeLossAnnotation = "volumes.k8s.elastic.co/on-node-loss"

  /// On a PV whose claim was deleted since its node has left: when (RFC 3339). Its volume is kept until somebody has looked.
  package static let nodeLossAnnotation = "volumes.k8s.elastic.co/node-loss"

  /// On a namespace, as a label: the size of the one volume that it is to have; and the class and the name of its claim.
  ///
  /// On a claim: the provisioner has created it for its namespace. The value is ``namespaceVolumeMark`` then, which is no size:
  /// some programs copy the labels of a namespace to everything in it.
  package static let namespaceVolumeLabel = "volumes.k8s.elastic.co/namespace-volume"
  package static let namespaceVolumeMark = "true"
  package static let namespaceVolumeClassAnnotation = "volumes.k8s.elastic.co/namespace-volume-class"
  package static let namespaceVolumeClaimAnnotation = "volumes.k8s.elastic.co/namespace-volume-claim"

  /// The topology key of our volumes, and the label by which kubelet announces a node.
  package static let hostnameLabel = "kubernetes.io/hostname"

  /// On the objects that say how much space a node has for a class.
  package static let componentLabel = "app.kubernetes.io/component"
  package static let nodeCapacityComponent = "node-capacity"

  /// The CSIStorageCapacity, in our namespace, that says what space a node has for a class.
  package static func nodeCapacityObject(of node: String, storageClass: String) -> String {
    let text = "elastic-local.\(node).\(storageClass)"
    // A node `a.b` and a class `c` shall not meet a node `a` and a class `b.c`.
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

  /// A node's name as the value of ``nodeLabel``. A label's value has at most 63 characters, a node's name up to 253: a longer
  /// one keeps its beginning, with a digest of all of it behind.
  package static func nodeLabelValue(_ node: String) -> String {
    node.utf8.count > 63 ? shortened(node, for: node) : node
  }

  /// A text of any length as a label's value: 16 hexadecimal digits. Two texts that have the same are not to be expected, and
  /// whoever finds objects by it compares the texts themselves.
  package static func digest(_ text: String) -> String {
    // FNV-1a, 64 bits (Fowler, Noll, Vo): stable.
    let digest = text.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    let digits = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The beginning of a text of a DNS subdomain's characters, with a digest behind.
  private static func shortened(_ text: String, for whole: String) -> String {
    // No part of such a name ends or begins with a hyphen (RFC 1123).
    let kept = text.prefix(46).reversed().drop { $0 == "." || $0 == "-" }.reversed()
    return "\(String(kept))-\(digest(whole))"
  }
}
