package import Controllers
package import JSON
package import KubernetesAPI
internal import StorageModel

/// A number of volumes that are ready before somebody asks for them.
package struct Pool: CustomResource {
  package static let resource = APIResource(
    group: PoolNames.group, version: PoolNames.version, name: "pools", kind: "Pool", isNamespaced: true)

  package var metadata = ObjectMeta()
  package var spec = Spec()
  package var status = Status()

  package init() {}

  package struct Spec: FieldObject {
    /// Zero disables the pool.
    package var replicas = 1
    package var selector = LabelSelector()
    package var template = Template()
    /// Nil when the volumes are handed out empty.
    package var initJob: InitJobSpec?
    /// Ours. Where replicas of our classes are made, and where the init jobs of other classes run.
    package var placement = Placement()
    /// Ours. Namespaces whose checkouts may use the pool, `*` for all. The pool's own always may.
    package var allowedNamespaces: [String] = []

    package init() {}

    package static let fields: [Field<Spec>] = [
      Field("replicas", \.replicas), Field("selector", \.selector), Field("template", \.template),
      Field("initJob", \.initJob), Field("placement", \.placement, omitting: Placement()),
      Field("allowedNamespaces", \.allowedNamespaces, omitting: []),
    ]
  }

  package struct Status: FieldObject {
    package var observedGeneration: Int64 = 0
    package var replicas = 0
    package var availableReplicas = 0
    package var conditions = Conditions()

    package init() {}

    package static let fields: [Field<Status>] = [
      Field("observedGeneration", \.observedGeneration), Field("replicas", \.replicas),
      Field("availableReplicas", \.availableReplicas), Field("conditions", \.conditions),
    ]
  }
}

extension Pool {
  /// Metadata and specification of an object that is made by a template. Nothing of the specification is understood here that
  /// does not have to be.
  package struct Template: FieldObject {
    package var metadata = Metadata()
    package var spec = JSONValue.object([])

    package init() {}

    package static let fields: [Field<Template>] = [
      Field("metadata", \.metadata, omitting: Metadata()), Field("spec", \.spec),
    ]
  }

  package struct Metadata: FieldObject {
    package var labels = StringMap()
    package var annotations = StringMap()

    package init() {}

    package static let fields: [Field<Metadata>] = [
      Field("labels", \.labels), Field("annotations", \.annotations),
    ]
  }

  package struct InitJobSpec: FieldObject {
    /// Nil for the job that does nothing.
    package var template: Template?
    /// The volume of the job's pods that is the replica.
    package var volumeName = "workspace"

    package init() {}

    package static let fields: [Field<InitJobSpec>] = [
      Field("template", \.template), Field("volumeName", \.volumeName),
    ]
  }

  package struct Placement: FieldObject {
    /// Labels of the nodes that may have replicas; all nodes when empty.
    package var nodeSelector = StringMap()
    /// Whether nodes get equal numbers of replicas, as far as they have space. If not, the node with most space is next.
    package var spread = true

    package init() {}

    package static let fields: [Field<Placement>] = [
      Field("nodeSelector", \.nodeSelector), Field("spread", \.spread, omitting: true),
    ]
  }
}
