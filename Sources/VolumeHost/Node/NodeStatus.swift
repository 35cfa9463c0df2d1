internal import Synchronization

/// What kubelet and controller-manager tell each other through the node object.
public final class NodeStatus: Sendable {
  private struct State {
    var attached: [UniqueVolumeName: String] = [:]
    var inUse: Set<UniqueVolumeName> = []
    var listeners: [WakeUp] = []
  }

  private let state = Mutex(State())

  /// A node without volumes.
  public init() {}

  /// `status.volumesAttached`: devices by volume. Written by whoever attaches.
  public var attached: [UniqueVolumeName: String] { state.withLock { $0.attached } }
  /// `status.volumesInUse`. Written by the kubelet; what is in it is not detached.
  public var inUse: Set<UniqueVolumeName> { state.withLock { $0.inUse } }

  /// Says that a volume is attached.
  public func attach(_ volume: UniqueVolumeName, device: String) { change { $0.attached[volume] = device } }
  /// Says that a volume is not attached any more.
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
