import LinuxSystem
import LogicalVolumes
import NodeProtocol
import StorageModel
import Synchronization
import Testing

@testable import NodeCalls
@testable import NodeService

/// One call of the contract on a world that was made for it, for the matrices to run in all ways that can go wrong.
struct Flow: Sendable, CustomTestStringConvertible {
  let name: String
  /// The world before the call, made by a daemon that nothing happens to.
  let prepare: @Sendable (SimulatedNode, CallHandler) async throws -> Void
  let call: [String]
  /// What has to be true when the call has succeeded.
  let verify: @Sendable (SimulatedNode) -> String?
  /// Whether a failure leaves the world as it was. What takes down or grows goes forward instead.
  var isUndone = true
  /// Whether the volume holds data from before the call, which must be there afterwards.
  var hasData = false
  /// How often mkfs makes the volume's file system. A clone's is never made.
  var formats = 1
  /// What kubelet calls after a reboot before it repeats the call.
  var afterReboot: [[String]] = []
  /// Directories of pods and kubelet's global one that the end takes down.
  var takeDown: [[String]] = [SimulatedNode.unmount(1), SimulatedNode.unmount(2)]

  var testDescription: String { name }

  static let all: [Flow] = making + cloning + attaching + takingDown
}

// MARK: - The flows

extension Flow {
  private static let marked: @Sendable (SimulatedNode, CallHandler) async throws -> Void = { node, daemon in
    await daemon.succeed(SimulatedNode.mount(1))
    node.placeData()
    await daemon.succeed(SimulatedNode.unmount(1))
  }

  private static func published(_ pods: Int..., readOnly: Bool = false) -> @Sendable (SimulatedNode) -> String? {
    { node in
      let wanted = (pods.map { SimulatedNode.pod($0) } + [node.stagingPath]).sorted()
      guard node.mountPoints() == wanted else { return "mounted at \(node.mountPoints()), not at \(wanted)" }
      let isReadOnly = node.view.mounts.contains { $0.hasSuffix("\(SimulatedNode.pod(pods[0])) ro") }
      return isReadOnly == readOnly ? nil : "the pod's mount is \(isReadOnly ? "" : "not ")read-only"
    }
  }

  private static let making: [Flow] = [
    Flow(
      name: "mount of a new volume", prepare: { _, _ in }, call: SimulatedNode.mount(1), verify: published(1)),
    Flow(
      name: "read-only mount of a new volume", prepare: { _, _ in }, call: SimulatedNode.mount(1, readOnly: true),
      verify: published(1, readOnly: true)),
    Flow(
      name: "mount of a volume with data", prepare: marked, call: SimulatedNode.mount(1), verify: published(1),
      hasData: true),
    Flow(
      name: "read-only mount for a second pod",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(SimulatedNode.mount(1))
      }, call: SimulatedNode.mount(2, readOnly: true), verify: published(2, 1, readOnly: true), hasData: true,
      afterReboot: [SimulatedNode.mount(1)]),
    Flow(
      name: "mount of a volume of the Go program",
      prepare: { node, _ in
        try node.placeForeign(.fileSystem(type: "ext4", uuid: "data", label: nil))
      }, call: SimulatedNode.mount(1), verify: published(1), isUndone: false, hasData: true),
  ]

  private static let detachedAll = [["unmountdevice", SimulatedNode.global()]]

  private static let attaching: [Flow] = [
    Flow(
      name: "waitforattach of a new volume", prepare: { _, _ in },
      call: ["waitforattach", "", SimulatedNode.options()],
      verify: { node in
        guard node.volume()?.marks != nil, node.contents() == .blank, node.mountPoints().isEmpty else {
          return "a blank volume that is mounted nowhere was wanted, found \(node.view)"
        }
        return node.view.permits.count == 1 ? nil : "nothing allows the volume to be formatted"
      }, takeDown: []),
    Flow(
      name: "mountdevice after waitforattach",
      prepare: { _, daemon in await daemon.succeed(["waitforattach", "", SimulatedNode.options()]) },
      call: ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()],
      verify: mountedGlobally, isUndone: false, takeDown: detachedAll),
    Flow(
      name: "mountdevice of a new volume", prepare: { _, _ in },
      call: ["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()],
      verify: mountedGlobally, takeDown: detachedAll),
    Flow(
      name: "mount from kubelet's global directory",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()])
      }, call: SimulatedNode.mount(1),
      verify: { node in
        let wanted = [SimulatedNode.global(), SimulatedNode.pod(1)].sorted()
        return node.mountPoints() == wanted ? nil : "mounted at \(node.mountPoints()), not at \(wanted)"
      }, hasData: true,
      afterReboot: [["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()]],
      takeDown: [SimulatedNode.unmount(1)] + detachedAll),
    Flow(
      name: "unmountdevice",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(["mountdevice", SimulatedNode.global(), SimulatedNode.device, SimulatedNode.options()])
      }, call: ["unmountdevice", SimulatedNode.global()], verify: mountedNowhere, isUndone: false, hasData: true,
      takeDown: []),
  ]

  private static let takingDown: [Flow] = [
    Flow(
      name: "unmount of the last pod",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(SimulatedNode.mount(1))
      }, call: SimulatedNode.unmount(1), verify: mountedNowhere, isUndone: false, hasData: true),
    Flow(
      name: "unmount of one of two pods",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(SimulatedNode.mount(1))
        await daemon.succeed(SimulatedNode.mount(2))
      }, call: SimulatedNode.unmount(1),
      verify: { node in
        node.mountPoints().contains(SimulatedNode.pod(1)) ? "it is still mounted for the pod that left" : nil
      }, isUndone: false, hasData: true),
    Flow(
      name: "expandfs of a mounted volume",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(SimulatedNode.mount(1))
      },
      call: [
        "expandfs", SimulatedNode.options(), SimulatedNode.device, SimulatedNode.pod(1), "2147483648", "1073741824",
      ],
      verify: { node in
        guard node.volume()?.size == .gibibytes(2) else { return "the volume has \(node.volume()?.size.bytes ?? 0)" }
        return node.tools.state.withLock { $0.grown.isEmpty } ? "the file system was not grown" : nil
      }, isUndone: false, hasData: true, afterReboot: [SimulatedNode.mount(1)]),
    Flow(
      name: "remove of an unused volume", prepare: marked, call: ["remove", SimulatedNode.name, SimulatedNode.claim],
      verify: { $0.view.isEmpty ? nil : "left: \($0.view)" }, isUndone: false),
    Flow(
      name: "remove of a volume that is still staged",
      prepare: { node, daemon in
        try await marked(node, daemon)
        await daemon.succeed(SimulatedNode.mount(1))
        // The pod's mount has vanished without an unmount call.
        node.world.state.withLock { $0.mounts.removeAll { $0.mountPoint == SimulatedNode.pod(1) } }
      }, call: ["remove", SimulatedNode.name], verify: { $0.view.isEmpty ? nil : "left: \($0.view)" }, isUndone: false),
  ]

  private static let mountedGlobally: @Sendable (SimulatedNode) -> String? = { node in
    guard node.mountPoints() == [SimulatedNode.global()] else { return "mounted at \(node.mountPoints())" }
    return node.view.permits.isEmpty ? nil : "a permit is left"
  }

  private static let mountedNowhere: @Sendable (SimulatedNode) -> String? = { node in
    node.mountPoints().isEmpty ? nil : "still mounted at \(node.mountPoints())"
  }
}

// MARK: - Ways to run it

/// How a call ended.
enum Ending: Sendable {
  case reply(Reply)
  /// The daemon stopped for good at the step.
  case crashed

  var reply: Reply? {
    if case .reply(let reply) = self { return reply }
    return nil
  }
}

extension Flow {
  /// The points that the call reaches, in order.
  func points() async throws -> [StepPoint] {
    let node = try SimulatedNode()
    let isArmed = Flag()
    let reached = Reached()
    let daemon = try await node.start(
      steps: StepPoints { point async throws(VolumeError) in if isArmed.isSet { reached.append(point) } })
    try await prepare(node, daemon)
    isArmed.set()
    await daemon.succeed(call, "\(name)")
    return reached.points
  }

  /// Takes everything down and says what is left.
  func leak(on node: SimulatedNode, _ daemon: CallHandler) async -> String? {
    for call in takeDown { await daemon.succeed(call, "\(name)") }
    await daemon.succeed(["remove", SimulatedNode.name], "\(name)")
    return node.view.isEmpty ? nil : "left after unmount and remove: \(node.view)"
  }
}

extension SimulatedNode {
  /// Runs a call until it ends or the daemon stops for ever at a step. The daemon is abandoned then, as it is.
  func run(
    _ call: [String], crashingAt point: StepPoint,
    after prepare: (SimulatedNode, CallHandler) async throws -> Void = { _, _ in }
  ) async throws -> Ending {
    let once = Once<Ending>()
    let isArmed = Flag()
    let daemon = try await start(
      steps: StepPoints { reached async throws(VolumeError) in
        guard isArmed.isSet, reached == point else { return }
        await once.set(.crashed)
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
      })
    try await prepare(self, daemon)
    isArmed.set()
    Task.detached { await once.set(.reply(daemon.handle(call).reply)) }
    return await once.value
  }

  /// Starts a daemon that stops for ever at a step of its start-up, if it gets there.
  func startAndCrash(at point: StepPoint) async throws {
    let once = Once<Void>()
    Task.detached { [self] in
      _ = try? await start(
        steps: StepPoints { reached async throws(VolumeError) in
          guard reached == point else { return }
          await once.set(())
          await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        })
      await once.set(())
    }
    await once.value
  }
}

/// A value that is set once and waited for.
actor Once<Value: Sendable> {
  private var stored: Value?
  private var waiters: [CheckedContinuation<Value, Never>] = []

  var value: Value {
    get async {
      if let stored { return stored }
      return await withCheckedContinuation { waiters.append($0) }
    }
  }

  func set(_ value: Value) {
    guard stored == nil else { return }
    stored = value
    for waiter in waiters { waiter.resume(returning: value) }
    waiters = []
  }
}

/// Which points were reached.
final class Reached: Sendable {
  private let list = Mutex<[StepPoint]>([])
  var points: [StepPoint] { list.withLock { $0 } }
  func append(_ point: StepPoint) { list.withLock { $0.append(point) } }
}

/// A flag between tasks.
final class Flag: Sendable {
  private let value = Mutex(false)
  var isSet: Bool { value.withLock { $0 } }
  func set() { value.withLock { $0 = true } }
  func clear() { value.withLock { $0 = false } }
}
