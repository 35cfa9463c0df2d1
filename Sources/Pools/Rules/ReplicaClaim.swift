package import JSON
package import KubernetesAPI
package import StorageModel

/// A claim that a pool makes by its template.
package struct ReplicaClaim: WritableObject {
  package static let resource = PersistentVolumeClaim.resource

  package var metadata = ObjectMeta()
  package var spec = JSONValue.object([])

  package init() {}

  /// - Parameters:
  ///   - node: the node that the volume is to be on; nil where the scheduler, or the first mount, decides.
  ///   - attempt: how many init jobs in a row have failed before, and one.
  package init(_ name: String, of pool: Pool, node: String?, attempt: Int) {
    let template = pool.spec.template
    metadata = ObjectMeta(
      name: name, namespace: pool.metadata.namespace, labels: template.metadata.labels,
      annotations: template.metadata.annotations,
      ownerReferences: [
        OwnerReference(
          apiVersion: Pool.resource.apiVersion, kind: Pool.resource.kind, name: pool.metadata.name,
          uid: pool.metadata.uid, isController: true)
      ])
    // What says how far a replica is, and where, is not for templates.
    metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = node
    for name in PersistentVolumeClaim.provisionerAnnotations { metadata.annotations[name] = nil }
    metadata.annotations[PoolNames.phaseAnnotation] = ReplicaPhase.initializing.rawValue
    metadata.annotations[PoolNames.attemptAnnotation] = attempt > 1 ? "\(attempt)" : nil
    spec = Self.forced(template.spec)
  }

  /// The specification, with what a pool does not leave to its template: a replica gets a fresh volume of its own.
  private static func forced(_ template: JSONValue) -> JSONValue {
    var spec = template.members == nil ? JSONValue.object([]) : template
    if spec["storageClassName"]?.string?.isEmpty != false { spec[["storageClassName"]] = nil }
    spec[["selector"]] = nil
    spec[["volumeName"]] = nil
    if spec["accessModes"]?.elements?.isEmpty != false { spec[["accessModes"]] = ["ReadWriteOnce"] }
    return spec
  }

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      if key == "metadata" { metadata = try ObjectMeta(json: &json) }
    }
  }

  package var content: [JSONValue.Member] { [.init("spec", spec)] }

  /// The name of a replica and its job: the pool's name, cut so that the digits at the end survive in 63 characters, which is
  /// what a label's value can have.
  ///
  /// - Parameter digits: 128 random bits.
  package static func name(of pool: String, _ digits: (UInt64, UInt64)) -> String {
    let suffix = [digits.0, digits.1].map { half in
      let text = String(half, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
    let kept = pool.prefix(63 - 1 - suffix.utf8.count).reversed().drop { $0 == "." || $0 == "-" }.reversed()
    return "\(String(kept))-\(suffix)"
  }
}

extension Pool.Spec {
  /// The storage class that the template names; nil for the default one.
  package var className: String? {
    let named =
      template.metadata.annotations[PersistentVolumeClaim.classAnnotation] ?? template.spec["storageClassName"]?.string
    return named.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The size that the template asks for; nil when it says none that is understood.
  package var size: Quantity? {
    guard let text = template.spec["resources", "requests", "storage"] else { return nil }
    var json = JSONReader(text.encoded)
    do throws(JSONSyntaxError) { return try json.quantity() } catch { return nil }
  }
}
