/// Wipes a volume by running a pod.
public struct PodRecycler: Recycler {
  private let pod: RecyclerPod
  private let cluster: any RecyclerCluster
  private let forward: @Sendable (String) -> Void

  /// Creates a recycler that runs `pod`. The texts of the pod's Events go to `forward`, for the PV's own Events.
  public init(pod: RecyclerPod, cluster: any RecyclerCluster, forward: @escaping @Sendable (String) -> Void = { _ in })
  {
    self.pod = pod
    self.cluster = cluster
    self.forward = forward
  }

  /// Runs the pod to its end and deletes it, whatever the result. A pod of that name that exists already is deleted,
  /// and the next sync retries.
  ///
  /// - Throws: `.transient` if a pod of that name existed; `.final` if the pod fails or cannot be deleted; otherwise
  ///   the error of the cluster.
  public func recycle() async throws(VolumeFailure) {
    guard try await cluster.create(pod) else {
      try await cluster.delete(pod.name)
      throw .transient("old recycler pod \"\(pod.name)\" found, will retry later")
    }
    let result = await end()
    do throws(VolumeFailure) { try await cluster.delete(pod.name) } catch {
      throw result ?? .final("failed to delete recycler pod: \(error)")
    }
    if let result { throw result }
  }

  /// Waits for the end of the pod. Returns nil if it succeeded.
  private func end() async -> VolumeFailure? {
    while true {
      switch await cluster.next(pod.name) {
      case .event(let text): forward(text)
      case .succeeded: return nil
      case .failed(let message): return .final(message.isEmpty ? "pod failed, pod.Status.Message unknown" : message)
      case .deleted: return .final("recycler pod was deleted")
      case .watchEnded: return .final("recycler pod watch channel had been closed")
      }
    }
  }
}

/// The operations of a cluster that a recycler needs.
public protocol RecyclerCluster: Sendable {
  /// Creates a pod, and watches it and its Events from before the creation. Returns false if there is one of that name.
  /// Throws if the creation fails.
  func create(_ pod: RecyclerPod) async throws(VolumeFailure) -> Bool
  /// Waits for the next event of the pod and returns it.
  func next(_ name: String) async -> RecyclerPodEvent
  /// Deletes a pod. Succeeds if there is none. Throws if the deletion fails.
  func delete(_ name: String) async throws(VolumeFailure)
}

/// An event of a recycler pod.
public enum RecyclerPodEvent: Hashable, Sendable {
  /// An Event was recorded for the pod.
  case event(String)
  /// The pod has wiped the volume.
  case succeeded
  /// The pod failed.
  case failed(String)
  /// The pod was deleted.
  case deleted
  /// The watch has ended. There will be no more events.
  case watchEnded
}
