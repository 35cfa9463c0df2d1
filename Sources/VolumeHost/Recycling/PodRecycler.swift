/// Wipes a volume by running a pod.
public struct PodRecycler: Recycler {
  private let pod: RecyclerPod
  private let cluster: any RecyclerCluster
  private let forward: @Sendable (String) -> Void

  /// Runs `pod`; what its events say goes to `forward`, for the PV's own events.
  public init(pod: RecyclerPod, cluster: any RecyclerCluster, forward: @escaping @Sendable (String) -> Void = { _ in })
  {
    self.pod = pod
    self.cluster = cluster
    self.forward = forward
  }

  /// Runs the pod to its end and deletes it, whatever came of it. A pod of that name that is there already is deleted and
  /// the next sync tries again; one that can not be deleted after it succeeded is an error too.
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

  /// Nil when it succeeded.
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

/// What a recycler needs of a cluster.
public protocol RecyclerCluster: Sendable {
  /// Makes a pod and watches it and its events from before that on. False when there is one of that name.
  func create(_ pod: RecyclerPod) async throws(VolumeFailure) -> Bool
  /// The next thing that happens to it.
  func next(_ name: String) async -> RecyclerPodEvent
  /// Deletes it; success when there is none.
  func delete(_ name: String) async throws(VolumeFailure)
}

/// What happens to a recycler pod.
public enum RecyclerPodEvent: Hashable, Sendable {
  /// Somebody says something about it.
  case event(String)
  /// It has wiped the volume.
  case succeeded
  /// It has not.
  case failed(String)
  /// Somebody has deleted it.
  case deleted
  /// Nobody will hear of it any more.
  case watchEnded
}
