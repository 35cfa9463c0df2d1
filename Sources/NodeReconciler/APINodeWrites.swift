internal import JSON
package import KubernetesAPI
internal import LinuxSystem
internal import StorageLedger
package import StorageModel
internal import Synchronization

/// The node's requests, to a real API server.
package final class APINodeWrites: NodeWrites {
  private let client: APIClient
  private let events: EventRecorder
  private let node: String
  private let namespace: String
  /// Whose objects the published ones are, so that they go with it; the daemon's DaemonSet.
  private let owner: OwnerReference?

  package init(client: APIClient, events: EventRecorder, node: String, namespace: String, owner: OwnerReference?) {
    self.client = client
    self.events = events
    self.node = node
    self.namespace = namespace
    self.owner = owner
  }

  package func tell(_ object: ObjectReference, isWarning: Bool, reason: String, _ message: String) {
    events.record(isWarning ? .warning : .normal, on: object, reason: reason, message)
  }
}

// MARK: - PVs

extension APINodeWrites {
  package func volume(_ name: String) async throws(APIError) -> PersistentVolume? {
    do throws(APIError) {
      return try await client.get(PersistentVolume.self, ObjectKey(name: name))
    } catch {
      guard error.kind == .notFound else { throw error }
      return nil
    }
  }

  package func reported() async throws(APIError) -> [VolumeReport] {
    do throws(APIError) {
      return try await client.get(NodeStorageObject.self, ObjectKey(namespace: namespace, name: node)).reports
    } catch {
      guard error.kind == .notFound else { throw error }
      return []
    }
  }
}

// MARK: - What is published

extension APINodeWrites {
  package func publish(_ storage: NodeStorage, _ reports: [VolumeReport]) async throws(APIError) {
    var object = NodeStorageObject(node: node, namespace: namespace, owner: owner)
    object.storage = storage
    object.reports = reports
    let patch = Patch.merge(["status": object.status])
    do throws(APIError) {
      try await patchStatus(object, patch)
    } catch {
      guard error.kind == .notFound else { throw error }
      _ = try await client.create(NodeStorageObject(node: node, namespace: namespace, owner: owner))
      try await patchStatus(object, patch)
    }
  }

  private func patchStatus(_ object: NodeStorageObject, _ patch: Patch) async throws(APIError) {
    _ = try await client.patch(NodeStorageObject.self, object.metadata.key, patch, subresource: "status")
  }
}
