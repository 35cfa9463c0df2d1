import Controllers
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

/// Single reconciliations, with every state of the caches and every answer of the API server.
@Suite("The keeper of namespaces' volumes", .timeLimit(.minutes(1)))
struct NamespaceVolumeKeeperTests {
  private static func namespace(
    size: String? = "1Gi", phase: String = "Active", isBeingDeleted: Bool = false
  ) -> Namespace {
    var namespace = Namespace(metadata: ObjectMeta(name: "team", uid: "namespace-uid"))
    namespace.metadata.labels[ClusterNames.namespaceVolumeLabel] = size
    namespace.phase = phase
    if isBeingDeleted { namespace.metadata.deletionTimestamp = Timestamp(seconds: 1) }
    return namespace
  }

  private static func claim(request: UInt64 = 1, capacity: UInt64 = 1) -> PersistentVolumeClaim {
    var claim = PersistentVolumeClaim(
      metadata: ObjectMeta(
        name: "namespace-volume", namespace: "team", uid: "claim-uid", resourceVersion: "7",
        labels: [ClusterNames.namespaceVolumeLabel: ClusterNames.namespaceVolumeMark]))
    claim.storageClassName = "elastic-local-kept"
    claim.accessModes = ["ReadWriteOnce"]
    claim.request = Quantity(.gibibytes(request))
    claim.capacity = Quantity(.gibibytes(capacity))
    claim.phase = "Bound"
    return claim
  }

  /// A keeper with caches and an API server that a test sets, and a record of its requests and Events.
  private final class Scene: NamespaceVolumeView, NamespaceVolumeWrites {
    struct State: Sendable {
      var known: Namespace?
      var knownClaim: PersistentVolumeClaim?
      var storageClass: StorageClass?
      var namespace: Namespace?
      var claim: PersistentVolumeClaim?
      var failure: WriteFailure?
      /// The requests, in order.
      var requests: [String] = []
      var events: [(object: ObjectReference, reason: EventReason, message: String)] = []
    }

    private let state: Mutex<State>

    init(_ body: (inout State) -> Void) {
      var state = State()
      var storageClass = StorageClass(metadata: ObjectMeta(name: "elastic-local-kept"))
      storageClass.provisioner = ClusterNames.provisioner
      storageClass.allowVolumeExpansion = true
      state.storageClass = storageClass
      state.known = NamespaceVolumeKeeperTests.namespace()
      state.namespace = state.known
      body(&state)
      self.state = Mutex(state)
    }

    var requests: [String] { state.withLock { $0.requests } }
    var events: [(object: ObjectReference, reason: EventReason, message: String)] { state.withLock { $0.events } }
    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    func namespace(_ name: String) -> KnownNamespace? { state.withLock { $0.known.map(KnownNamespace.init) } }
    func namespaceClaim(_ key: ObjectKey) -> NamespaceClaim? {
      state.withLock { $0.knownClaim.flatMap(NamespaceClaim.init(ifOurs:)) }
    }
    func storageClass(_ name: String) -> StorageClass? {
      state.withLock { $0.storageClass?.metadata.name == name ? $0.storageClass : nil }
    }

    private func ask<Value: Sendable>(
      _ request: String, _ body: (inout State) -> Value
    ) throws(WriteFailure) -> Value {
      let result: Result<Value, WriteFailure> = state.withLock { state in
        state.requests.append(request)
        if let failure = state.failure { return .failure(failure) }
        return .success(body(&state))
      }
      return try result.get()
    }

    func namespace(_ name: String) async throws(WriteFailure) -> Namespace? {
      try ask("get namespace \(name)") { $0.namespace }
    }
    func claim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
      try ask("get claim \(key)") { $0.claim }
    }
    func create(_ claim: PersistentVolumeClaim) async throws(WriteFailure) {
      try ask("create claim \(claim.metadata.key)") { $0.claim = claim }
    }
    func setRequest(_ size: Quantity, of claim: PersistentVolumeClaim) async throws(WriteFailure) {
      try ask("request \(size) of \(claim.metadata.key) at \(claim.metadata.resourceVersion)") { _ in }
    }
    func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
      state.withLock { $0.events.append((object, reason, message)) }
    }
  }

  private func keeper(_ scene: Scene, _ time: ManualTime = ManualTime()) -> NamespaceVolumeKeeper {
    NamespaceVolumeKeeper(view: scene, writes: scene, time: time) { _ in }
  }

  @Test("no request is sent for a claim that is as the namespace asks")
  func quiet() async {
    let scene = Scene { $0.knownClaim = Self.claim() }
    #expect(await keeper(scene).reconcile("team") == .done)
    #expect(scene.requests.isEmpty)
  }

  @Test("a missing claim is created after claim and namespace were read")
  func created() async {
    let scene = Scene { _ in }
    #expect(await keeper(scene).reconcile("team") == .done)
    #expect(
      scene.requests == [
        "get claim team/namespace-volume", "get namespace team", "create claim team/namespace-volume",
      ])
  }

  @Test("for a namespace that is unknown, asks for nothing or is being deleted, no request is sent")
  func terminating() async {
    let namespaces = [
      nil, Self.namespace(size: nil), Self.namespace(phase: "Terminating"), Self.namespace(isBeingDeleted: true),
    ]
    for namespace in namespaces {
      let scene = Scene { $0.known = namespace }
      #expect(await keeper(scene).reconcile("team") == .done)
      #expect(scene.requests.isEmpty && scene.events.isEmpty)
    }
  }

  @Test(
    "with an old cache, nothing is created in a namespace that is being deleted, is gone, or asks for something else now"
  )
  func stale() async {
    let namespaces = [
      nil, Self.namespace(size: nil), Self.namespace(size: "2Gi"), Self.namespace(phase: "Terminating"),
      Self.namespace(isBeingDeleted: true),
    ]
    for namespace in namespaces {
      let scene = Scene { $0.namespace = namespace }
      #expect(await keeper(scene).reconcile("team") == .done)
      #expect(scene.requests == ["get claim team/namespace-volume", "get namespace team"] && scene.events.isEmpty)
    }
  }

  @Test("a claim that exists and is not in the cache yet is left alone")
  func unseen() async {
    let scene = Scene { $0.claim = Self.claim() }
    #expect(await keeper(scene).reconcile("team") == .done)
    #expect(scene.requests == ["get claim team/namespace-volume"])
  }

  @Test("the request is raised on the claim that was just read, not on the one in the cache")
  func raised() async {
    let scene = Scene {
      $0.known = Self.namespace(size: "2Gi")
      $0.knownClaim = Self.claim()
      $0.claim = Self.claim()
      $0.claim?.metadata.resourceVersion = "9"
    }
    #expect(await keeper(scene).reconcile("team") == .done)
    #expect(
      scene.requests == ["get claim team/namespace-volume", "request 2Gi of team/namespace-volume at 9"])
    // Another client was faster.
    let grown = Scene {
      $0.known = Self.namespace(size: "2Gi")
      $0.knownClaim = Self.claim()
      $0.claim = Self.claim(request: 3, capacity: 1)
    }
    #expect(await keeper(grown).reconcile("team") == .done)
    #expect(grown.requests == ["get claim team/namespace-volume"])
  }

  @Test("a conflict is retried without an Event; a refusal or a lost answer gets one Event and is retried")
  func failures() async {
    for kind in [WriteFailure.Kind.conflict, .exists, .missing] {
      let scene = Scene { $0.failure = WriteFailure(kind, "as it may be") }
      #expect(await keeper(scene).reconcile("team") == .failed)
      #expect(scene.events.isEmpty)
    }
    for kind in [WriteFailure.Kind.rejected, .unknown] {
      let scene = Scene { $0.failure = WriteFailure(kind, "exceeded quota: used 1") }
      let keeper = self.keeper(scene)
      #expect(await keeper.reconcile("team") == .failed)
      scene.change { $0.failure = WriteFailure(kind, "exceeded quota: used 2") }
      #expect(await keeper.reconcile("team") == .failed)
      #expect(scene.events.map(\.reason) == [.namespaceVolumeFailed])
      #expect(scene.events.first?.message.contains("exceeded quota: used 1") == true)
      #expect(
        scene.events.first?.object
          == ObjectReference(apiVersion: "v1", kind: "Namespace", namespace: "team", name: "team", uid: "namespace-uid")
      )
    }
  }

  @Test(
    "the same refusal gets another Event after an hour, another refusal at once, and the same at once after it had ended"
  )
  func toldAgain() async {
    let time = ManualTime()
    let scene = Scene { $0.known = Self.namespace(size: "much") }
    let keeper = self.keeper(scene, time)
    for minutes in [0, 1, 59] {
      time.advance(to: .seconds(60 * minutes))
      #expect(await keeper.reconcile("team") == .again(after: .seconds(3600)))
      #expect(scene.events.count == 1)
    }
    time.advance(to: .seconds(3600))
    _ = await keeper.reconcile("team")
    #expect(scene.events.count == 2)
    scene.change { $0.known = Self.namespace(size: "more") }
    _ = await keeper.reconcile("team")
    #expect(scene.events.count == 3)
    scene.change { $0.known = Self.namespace(size: nil) }
    _ = await keeper.reconcile("team")
    scene.change { $0.known = Self.namespace(size: "more") }
    _ = await keeper.reconcile("team")
    #expect(scene.events.count == 4)
  }
}
