internal import Synchronization

/// The data that kubelet and controller-manager exchange through the node object.
public final class NodeStatus: Sendable {
  private struct State {
    var attached: [UniqueVolumeName: String] = [:]
    var inUse: Set<UniqueVolumeName> = []
    var listeners: [WakeUp] = []
  }

  private let state = Mutex(State())

  /// Creates the status of a node without volumes.
  public init() {}

  /// `status.volumesAttached`: devices by volume. Written by the component that attaches.
  public var attached: [UniqueVolumeName: String] { state.withLock { $0.attached } }
  /// `status.volumesInUse`. Written by the kubelet. The volumes in it are not detached.
  public var inUse: Set<UniqueVolumeName> { state.withLock { $0.inUse } }

  /// Reports that a volume is attached.
  public func attach(_ volume: UniqueVolumeName, device: String) { change { $0.attached[volume] = device } }
  /// Reports that a volume is no longer attached.
  public func detach(_ volume: UniqueVolumeName) { change { $0.attached[volume] = nil } }

  func use(_ volumes: Set<UniqueVolumeName>) {
    if inUse != volumes { change { $0.inUse = volumes } }
  }

  func wake(_ listener: WakeUp) { state.withLock { $0.listeners.append(listener) } }

  private func change(_ body: (inout State) -> Void) {
    let listeners = state.withLock { state in
      body(&state)
      return state.listeners
    }
    for listener in listeners { listener.signal() }
  }
}
