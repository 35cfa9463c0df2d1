package import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageModel

/// A Job of Kubernetes that fills a replica, or only has it bound.
package struct InitJob: WritableObject {
  package static let resource = APIResource(group: "batch", name: "jobs", kind: "Job", isNamespaced: true)

  package var metadata = ObjectMeta()
  /// Of a job to be created; of one that was read it is not kept.
  package var spec = JSONValue.object([])
  package var conditions: [Condition] = []

  package init() {}

  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "status": try readStatus(&json)
      default: break
      }
    }
  }

  private mutating func readStatus(_ json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      guard key == "conditions", try json.beginArray() else { continue }
      while try json.nextElement() { conditions.append(try Condition(json: &json)) }
    }
  }

  package var content: [JSONValue.Member] { [.init("spec", spec)] }
}

/// What is kept of an init job.
package final class KnownJob: Sendable {
  package let key: ObjectKey
  package let uid: String
  package let created: Timestamp?
  /// The UIDs of its owners; the replica's claim is one.
  package let owners: [String]
  package let isGoing: Bool
  package let isComplete: Bool
  /// Nil while it has not failed.
  package let failure: Failure?
  /// The pool that it works for; nil if the job does not say.
  package let pool: ObjectKey?

  package struct Failure: Hashable, Sendable {
    package var reason: String
    package var message: String
    /// By the API server's clock.
    package var time: Timestamp?

    package init(reason: String, message: String, time: Timestamp?) {
      self.reason = reason
      self.message = message
      self.time = time
    }
  }

  package init(_ job: InitJob) {
    let metadata = job.metadata
    key = metadata.key
    uid = metadata.uid
    created = metadata.creationTimestamp
    owners = metadata.ownerReferences.map(\.uid)
    isGoing = metadata.isBeingDeleted
    let failed = job.conditions.first { $0.type == "Failed" && $0.status == Condition.Status.true.rawValue }
    failure = failed.map {
      Failure(
        reason: $0.reason, message: $0.message, time: $0.lastTransitionTime ?? metadata.creationTimestamp)
    }
    isComplete =
      failure == nil && job.conditions.contains { $0.type == "Complete" && $0.status == Condition.Status.true.rawValue }
    pool = metadata.annotations[PoolNames.ownerAnnotation].flatMap(JobOwner.key)
  }

  /// Enough of the job to delete exactly this one.
  package var handle: InitJob {
    var job = InitJob()
    job.metadata = ObjectMeta(name: key.name, namespace: key.namespace, uid: uid)
    return job
  }
}

/// The value of ``PoolNames/ownerAnnotation``.
enum JobOwner {
  static func text(_ pool: Pool) -> String {
    let reference: JSONValue = [
      "apiVersion": .string(Pool.resource.apiVersion), "kind": .string(Pool.resource.kind),
      "namespace": .string(pool.metadata.namespace), "name": .string(pool.metadata.name),
      "uid": .string(pool.metadata.uid),
    ]
    return reference.text
  }

  /// Nil for a text that names no pool.
  static func key(_ text: String) -> ObjectKey? {
    var json = JSONReader(Array(text.utf8))
    do throws(JSONSyntaxError) {
      let reference = try ObjectReference(json: &json)
      guard reference.kind == Pool.resource.kind, !reference.name.isEmpty else { return nil }
      return ObjectKey(namespace: reference.namespace, name: reference.name)
    } catch {
      return nil
    }
  }
}
