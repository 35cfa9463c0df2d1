package import Controllers
package import JSON
package import KubernetesAPI
internal import StorageModel

/// Takes one volume out of a pool, and has it as a claim.
package struct Checkout: CustomResource {
  package static let resource = APIResource(
    group: PoolNames.group, version: PoolNames.version, name: "checkouts", kind: "Checkout", isNamespaced: true)

  package var metadata = ObjectMeta()
  package var spec = Spec()
  package var status = Status()

  package init() {}

  package struct Spec: FieldObject {
    package var poolRef = PoolReference()
    /// Empty for the checkout's own name.
    package var claimName = ""
    package var accessModes: [String] = []

    package init() {}

    package static let fields: [Field<Spec>] = [
      Field("poolRef", \.poolRef), Field("claimName", \.claimName, omitting: ""),
      Field("accessModes", \.accessModes, omitting: []),
    ]
  }

  package struct PoolReference: FieldObject {
    /// Empty for the checkout's own namespace.
    package var namespace = ""
    package var name = ""

    package init() {}

    package static let fields: [Field<PoolReference>] = [
      Field("namespace", \.namespace, omitting: ""), Field("name", \.name),
    ]
  }

  package struct Status: FieldObject {
    /// The PV; empty before one has been chosen.
    package var volumeName = ""
    /// The claim, while it is bound.
    package var volumeClaimRef: ClaimReference?
    package var conditions = Conditions()

    package init() {}

    package static let fields: [Field<Status>] = [
      Field("volumeName", \.volumeName, omitting: ""), Field("volumeClaimRef", \.volumeClaimRef),
      Field("conditions", \.conditions),
    ]
  }

  package struct ClaimReference: FieldObject {
    package var name = ""

    package init() {}

    package init(name: String) { self.name = name }

    package static let fields: [Field<ClaimReference>] = [Field("name", \.name)]
  }
}

extension Checkout {
  package var poolKey: ObjectKey {
    ObjectKey(
      namespace: spec.poolRef.namespace.isEmpty ? metadata.namespace : spec.poolRef.namespace, name: spec.poolRef.name)
  }

  /// The claim that it asks for.
  package var claimKey: ObjectKey {
    ObjectKey(namespace: metadata.namespace, name: spec.claimName.isEmpty ? metadata.name : spec.claimName)
  }

  package var accessModes: [String] { spec.accessModes.isEmpty ? ["ReadWriteOnce"] : spec.accessModes }

  package var isAcquired: Bool { status.conditions.isTrue(CheckoutCondition.acquired) }
}

/// The types and reasons of conditions, for machines.
package enum CheckoutCondition {
  package static let acquired = "Acquired"
  package static let checkedOut = "CheckedOut"
  package static let invalid = "Invalid"
  package static let poolDoesNotExist = "PoolDoesNotExist"
  package static let notAvailable = "NotAvailable"
  package static let conflict = "Conflict"
  /// Ours.
  package static let forbidden = "Forbidden"
}

package enum PoolCondition {
  package static let available = "Available"
  package static let settlement = "Settlement"
  package static let minimumReplicasAvailable = "MinimumReplicasAvailable"
  package static let noReplicasRequested = "NoReplicasRequested"
  package static let settled = "Settled"
  package static let invalid = "Invalid"
  package static let initJobFailed = "InitJobFailed"
}
