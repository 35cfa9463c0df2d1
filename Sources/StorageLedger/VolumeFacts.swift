package import KubernetesAPI
package import StorageModel

extension PersistentVolume {
  /// Who made it, and so deletes it.
  package static let provisionedByAnnotation = "pv.kubernetes.io/provisioned-by"

  /// A volume that our daemons mount, whoever made the PV.
  package var isOurs: Bool { flexVolume?.driver == ProductNames.driver }

  /// One that we have made, and so have to delete.
  package var isProvisionedByUs: Bool {
    isOurs && metadata.annotations[Self.provisionedByAnnotation].map(ClusterNames.provisioners.contains) ?? false
  }

  package var holdsOurFinalizer: Bool { metadata.finalizers.contains(ClusterNames.finalizer) }

  /// The hostname that its node affinity names; nil when it names none, or several.
  package var hostname: String? {
    guard let terms = nodeAffinity?.terms, terms.count == 1, let only = terms.first,
      let requirement = only.expressions.first(where: { $0.key == ClusterNames.hostnameLabel }),
      requirement.operation == "In", requirement.values.count == 1
    else { return nil }
    return requirement.values.first
  }

  /// What its label says of the node. A PV of the Go program has it before it has an affinity.
  package var labelledNode: String? { metadata.labels[ClusterNames.nodeLabel] }

  /// Where on its node it is.
  package var place: Booking.Place {
    Booking.Place(
      group: flexVolume?.options["volumeGroup"].flatMap { $0.isEmpty ? nil : $0 },
      isThin: flexVolume?.options["thin"].flatMap { Bool($0) })
  }

  /// Whether a claim has it, or may have: deletion waits for that to end.
  package var isClaimed: Bool {
    phase == "Bound" || metadata.finalizers.contains("kubernetes.io/pv-protection")
  }

  /// The instance it was made as; nil when it has not been made, as far as is known.
  package var instance: String? { metadata.annotations[ClusterNames.instanceAnnotation] }

  /// The instance whose removal the provisioner has agreed to, since no claim names the PV; empty where the PV records
  /// none. Nil while it has not agreed.
  package var removableInstance: String? { metadata.annotations[ClusterNames.removalAnnotation] }

  /// What Kubernetes says that it has. More than a volume can have is the most that it can.
  package var size: ByteCount {
    guard let capacity else { return .zero }
    return min(capacity.byteCount ?? .largestVolume, .largestVolume)
  }

  /// What the volume was made with, or is to be made with (option `sizeBytes`). Zero for a PV without that option: no volume
  /// is made for it, and only its node can know the size of the one that is there.
  package var madeSize: ByteCount { flexVolume?.options["sizeBytes"].flatMap { ByteCount(decimal: $0) } ?? .zero }

  /// What the ledger counts for it on a node.
  package func booking(on node: String) -> Booking {
    Booking(node: node, place: place, size: madeSize, wanted: size)
  }
}

extension StorageClass {
  /// Where volumes of the class are on a node.
  package var place: Booking.Place {
    Booking.Place(
      group: parameters["volumeGroup"].flatMap { $0.isEmpty ? nil : $0 },
      isThin: parameters["thin"].flatMap { Bool($0) })
  }
}
