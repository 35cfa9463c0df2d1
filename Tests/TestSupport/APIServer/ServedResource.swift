package import KubernetesAPI
internal import StorageLedger

/// A resource that the server has.
package struct ServedResource: Sendable {
  package var resource: APIResource
  /// Whether `status` is written by `/status` only, and all else only without.
  package var hasStatus: Bool
  /// Whether it is a custom resource: its generation counts the changes of `spec`, and it is replaced only at a version.
  package var isCustom: Bool
  /// Fields that a field selector may name.
  package var selectableFields: Set<String>

  package init(
    _ resource: APIResource, hasStatus: Bool = false, isCustom: Bool = false, selectableFields: Set<String> = []
  ) {
    self.resource = resource
    self.hasStatus = hasStatus
    self.isCustom = isCustom
    self.selectableFields = selectableFields.union(["metadata.name", "metadata.namespace"])
  }

  /// The kinds that our programs use.
  package static let ours: [ServedResource] = [
    ServedResource(PersistentVolume.resource, hasStatus: true),
    ServedResource(PersistentVolumeClaim.resource, hasStatus: true),
    ServedResource(Node.resource, hasStatus: true),
    ServedResource(
      Pod.resource, hasStatus: true, selectableFields: ["spec.nodeName", "status.phase"]),
    ServedResource(
      Event.resource,
      selectableFields: ["involvedObject.uid", "involvedObject.name", "involvedObject.kind", "reason", "type"]),
    ServedResource(Namespace.resource, hasStatus: true),
    ServedResource(StorageClass.resource),
    ServedResource(CSIDriver.resource),
    ServedResource(CSIStorageCapacity.resource),
    ServedResource(Lease.resource),
    ServedResource(NodeStorageObject.resource, hasStatus: true, isCustom: true),
  ]
}
