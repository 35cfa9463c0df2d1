import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import NodeService
import StorageLedger
import StorageModel
import Synchronization
import Testing

@testable import NodeReconciler

@Suite("Which volumes a call may use, and which it may create")
struct CallAuthorizationTests {
  private static var name: VolumeName { get throws { try VolumeName(Bench.name) } }

  /// A mount of a pod, as far as the volume is concerned.
  @discardableResult
  private static func mount(
    _ bench: Bench, _ name: VolumeName? = nil, pod: String? = "default/pod"
  ) async throws -> String {
    try await bench.service.prepare(try name ?? Self.name, ["sizeBytes": "1073741824"], pod: pod)
  }

  private static func refusal(
    _ bench: Bench, _ name: VolumeName? = nil, pod: String? = "default/pod"
  ) async throws -> VolumeError {
    try await #require(throws: VolumeError.self) { try await mount(bench, name, pod: pod) }
  }

  // MARK: Identity before creation

  @Test("a daemon that has just been started, and knows no PV yet, creates no volume in place of a lost one")
  func justStarted() async throws {
    let bench = try Bench()
    bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = "lost" })
    // The socket is open, and nothing has been listed.
    _ = bench.reconciler()
    let refusal = try await Self.refusal(bench)
    #expect(refusal.code == .unsafe)
    #expect(refusal.message.contains("records volume lost"))
    #expect(bench.stored() == nil)
    #expect(bench.knowledge.lost == [Bench.name], "it is counted")
  }

  @Test("without an answer of the API server nothing is created, whether it was never reached or is away now")
  func noAnswer() async throws {
    let bench = try Bench()
    #expect(try await Self.refusal(bench).code == .unavailable)
    bench.writes.put(Bench.volume())
    _ = bench.reconciler()
    bench.writes.isDown()
    #expect(try await Self.refusal(bench).code == .unavailable)
    #expect(bench.stored() == nil)
    bench.writes.isDown(false)
    try await Self.mount(bench)
    #expect(bench.stored() != nil)
  }

  @Test("an existing volume is mounted even without an answer, and one whose PV is known costs no request")
  func exists() async throws {
    let bench = try Bench()
    let instance = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let reconciler = bench.reconciler()
    bench.writes.isDown()
    #expect(try await Self.mount(bench) == instance)
    bench.writes.isDown(false)
    let pv = bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance })
    await reconciler.volume(Bench.name, pv)
    let before = bench.writes.requests.count
    for _ in 0..<3 { try await Self.mount(bench) }
    #expect(bench.writes.requests.count == before)
  }

  @Test("an API server that does not answer delays one mount, not each of them")
  func silence() async throws {
    let bench = try Bench(waits: true)
    _ = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    _ = bench.reconciler()
    bench.writes.isDown()
    for _ in 0..<3 { try await Self.mount(bench) }
    #expect(bench.writes.requests == ["get \(Bench.name)"])
  }

  @Test("a volume that is not the one its PV records is neither used nor replaced, and it is counted")
  func anotherInstance() async throws {
    let bench = try Bench()
    _ = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let reconciler = bench.reconciler()
    let pv = bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = "another" })
    #expect(try await Self.refusal(bench).code == .unsafe, "the PV was asked for")
    await bench.process(pv, with: reconciler)
    #expect(try await Self.refusal(bench).code == .unsafe, "the PV is known")
    #expect(await reconciler.lostVolumes == 1)
    #expect(bench.writes.events.map(\.reason) == ["VolumeLost", "VolumeLost"])
    #expect(bench.formats() == 1)
  }

  // MARK: Two nodes

  @Test(
    "two nodes with one hostname: the one that the PV's label does not name neither creates nor uses its volume",
    arguments: [false, true])
  func oneHostname(isCloned: Bool) async throws {
    let bench = try Bench()
    // The disk was cloned with the machine.
    if isCloned { _ = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"]) }
    let instance = bench.stored()?.instance
    bench.writes.put(
      Bench.volume { volume in
        volume.metadata.labels[ClusterNames.nodeLabel] = "node-2"
        volume.metadata.annotations[ClusterNames.instanceAnnotation] = instance
      })
    _ = bench.reconciler()
    let refusal = try await Self.refusal(bench)
    #expect(refusal.code == .conflict)
    #expect(refusal.message.contains("belongs to node node-2"))
    #expect(refusal.message.contains("kubernetes.io/hostname"))
    #expect(isCloned || bench.stored() == nil)
  }

  @Test(
    "a node under a new name: its volume is not used for a PV that names the old one, and the error says what to change"
  )
  func newName() async throws {
    let bench = try Bench()
    let instance = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let change: (inout PersistentVolume) -> Void = { volume in
      volume.metadata.labels[ClusterNames.nodeLabel] = "old-name"
      volume.metadata.annotations[ClusterNames.instanceAnnotation] = instance
    }
    bench.writes.put(Bench.volume(Bench.name, change))
    _ = bench.reconciler()
    let refusal = try await Self.refusal(bench)
    #expect(refusal.code == .conflict)
    #expect(refusal.message.contains("if the node was renamed, change the PV's label to node-1"))
    bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance })
    #expect(try await Self.mount(bench) == instance)
  }

  @Test(
    "an API server restored from an older state: a volume created since is used and recorded, and one replaced since is refused"
  )
  func restored() async throws {
    let bench = try Bench()
    // The state is from before the volume was made.
    let instance = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    #expect(try await Self.mount(bench) == instance)
    #expect(bench.writes.volumes[Bench.name]?.instance == instance)
    // The state is from before the volume was replaced.
    let older = bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = "before" })
    await bench.process(older, with: reconciler)
    #expect(try await Self.refusal(bench).code == .unsafe)
    #expect(bench.stored()?.instance == instance, "what is there is kept")
    #expect(bench.formats() == 1)
  }

  @Test("a PV for another node by its affinity, or one that is being deleted, gets no volume here")
  func elsewhere() async throws {
    let changes: [(inout PersistentVolume) -> Void] = [
      { $0.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-2"]) },
      { $0.metadata.deletionTimestamp = Timestamp(seconds: 1, nanoseconds: 0) },
    ]
    for change in changes {
      let bench = try Bench()
      bench.writes.put(Bench.volume(Bench.name, change))
      _ = bench.reconciler()
      #expect(try await Self.refusal(bench).code == .conflict)
      #expect(bench.stored() == nil)
    }
  }

  @Test("a PV without our label, made by hand, gets its volume once the provisioner has put the label on it")
  func byHand() async throws {
    let bench = try Bench()
    bench.writes.hasProvisioner(false)
    bench.writes.put(
      Bench.volume { volume in
        volume.metadata.labels = [:]
        volume.metadata.annotations = [:]
        volume.metadata.finalizers = []
      })
    _ = bench.reconciler()
    #expect(try await Self.refusal(bench).code == .unavailable)
    #expect(bench.stored() == nil)
    bench.writes.put(
      Bench.volume { volume in
        volume.metadata.annotations = [:]
        volume.metadata.finalizers = []
      })
    try await Self.mount(bench)
    #expect(bench.stored() != nil)
  }

  @Test("the volume of a PV made by hand is reported too, so that a lost one is refused")
  func byHandRecorded() async throws {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    let pv = bench.writes.put(
      Bench.volume { volume in
        volume.metadata.annotations = [:]
        volume.metadata.finalizers = []
      })
    await bench.process(pv, with: reconciler)
    #expect(bench.stored() == nil, "kubelet's mount makes it, not the reconciler")
    let instance = try await Self.mount(bench)
    await bench.process(pv, with: reconciler)
    #expect(bench.writes.volumes[Bench.name]?.instance == instance)
  }

  @Test("a volume of a PV made by hand is not reported while it is being created: its creation can fail")
  func byHandFailing() async throws {
    let looks = Looks()
    let steps = StepPoints { point async throws(VolumeError) in
      guard point == .formatted else { return }
      await looks.begin()
      throw VolumeError(.internal, "mkfs failed")
    }
    let bench = try Bench(steps: steps)
    let pv = bench.writes.put(
      Bench.volume { volume in
        volume.metadata.annotations = [:]
        volume.metadata.finalizers = []
      })
    let reconciler = bench.reconciler()
    await looks.set {
      await reconciler.volume(Bench.name, pv)
      _ = await reconciler.process(volume: Bench.name)
      _ = await reconciler.reportNow()
    }
    #expect(try await Self.refusal(bench).message.contains("mkfs failed"))
    await looks.end()
    #expect(bench.stored() == nil)
    #expect(bench.writes.said.isEmpty)
    #expect(bench.writes.volumes[Bench.name]?.instance == nil, "the PV would never get a volume")
  }

  /// A look at a PV that begins in the middle of a call.
  private actor Looks {
    private var look: (@Sendable () async -> Void)?
    private var running: Task<Void, Never>?

    func set(_ look: @escaping @Sendable () async -> Void) { self.look = look }

    /// Returns when the look has ended, or waits for somebody.
    func begin() async {
      let look = look
      running = Task { await look?() }
      // One that does not wait ends within this time; one that waits goes on behind the call.
      try? await Task.sleep(for: .milliseconds(100))
    }

    func end() async { await running?.value }
  }

  // MARK: Names

  @Test("a name without a PV is an inline volume: refused unless the operator allows them")
  func inline() async throws {
    let refused = try Bench()
    _ = refused.reconciler()
    let refusal = try await Self.refusal(refused, try VolumeName("scratch"))
    #expect(refusal.code == .forbidden)
    #expect(refusal.message.contains("--inline-volumes"))
    let allowed = try Bench(allowsInlineVolumes: true)
    _ = allowed.reconciler()
    try await Self.mount(allowed, try VolumeName("scratch"))
    #expect(allowed.stored("scratch") != nil)
  }

  @Test(
    "a pod of another namespace that gives an inline volume a PV's name does not get its data, whatever is allowed",
    arguments: [(false, false), (false, true), (true, false), (true, true)])
  func namesake(isAllowed: Bool, isKnown: Bool) async throws {
    let bench = try Bench(allowsInlineVolumes: isAllowed)
    let instance = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let reconciler = bench.reconciler()
    let pv = bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance })
    if isKnown { await reconciler.volume(Bench.name, pv) }
    let refusal = try await Self.refusal(bench, pod: "evil/pod")
    #expect(refusal.code == .forbidden)
    #expect(refusal.message.contains("claim default/data"))
    #expect(try await Self.mount(bench) == instance, "the claim's own pod does")
  }

  @Test("the PV is read again before the pod of a claim that got it recently is refused")
  func givenOn() async throws {
    let bench = try Bench()
    let instance = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    let reconciler = bench.reconciler()
    let old = bench.writes.put(Bench.volume { $0.metadata.annotations[ClusterNames.instanceAnnotation] = instance })
    await reconciler.volume(Bench.name, old)
    let new = bench.writes.put(
      Bench.volume { volume in
        volume.metadata.annotations[ClusterNames.instanceAnnotation] = instance
        volume.claim?.namespace = "next"
      })
    #expect(try await Self.mount(bench, pod: "next/pod") == instance)
    await reconciler.volume(Bench.name, new)
    #expect(try await Self.refusal(bench, pod: "default/pod").code == .forbidden)
  }

  @Test("a PV of another driver protects its name")
  func otherDriver() async throws {
    let bench = try Bench(allowsInlineVolumes: true)
    bench.writes.put(Bench.volume { $0.flexVolume?.driver = "other/driver" })
    _ = bench.reconciler()
    #expect(try await Self.refusal(bench).code == .conflict)
    #expect(bench.stored() == nil)
  }

  // MARK: Clones

  private static func cloneOptions(_ instance: String) -> [String: String] {
    ["sizeBytes": "1073741824", "cloneOf": "pvc-origin", "cloneOfInstance": instance]
  }

  /// A bench with an origin, and its instance.
  private static func benchWithOrigin(allowsInlineVolumes: Bool = false) async throws -> (Bench, String) {
    let bench = try Bench(allowsInlineVolumes: allowsInlineVolumes)
    let instance = try await bench.earlier.prepare(try VolumeName("pvc-origin"), ["sizeBytes": "1073741824"])
    return (bench, instance)
  }

  @Test("a volume becomes a clone because its PV says so, by a call or by the reconciler")
  func clone() async throws {
    let (bench, instance) = try await Self.benchWithOrigin()
    let options = Self.cloneOptions(instance)
    let volume = bench.writes.put(Bench.volume { $0.flexVolume?.options = StringMap(options) })
    _ = bench.reconciler()
    try await bench.service.prepare(try Self.name, options, pod: "default/pod")
    #expect(bench.stored()?.marks?.origin == instance)

    let (other, second) = try await Self.benchWithOrigin()
    let wanted = other.writes.put(
      Bench.volume { $0.flexVolume?.options = StringMap(Self.cloneOptions(second)) })
    await other.process(wanted, with: other.reconciler())
    #expect(other.stored()?.marks?.origin == second)
    #expect(other.formats() == nil, "never formatted")
    #expect(volume.origin?.name.text == "pvc-origin")
  }

  /// Kubelet sends the options of the pod for an inline volume, and a pod can give that the name of a PV of its namespace.
  @Test("a call that asks for a clone that its PV does not ask for is refused, whatever the PV asks for")
  func cloneNotAsked() async throws {
    let (bench, instance) = try await Self.benchWithOrigin(allowsInlineVolumes: true)
    let rows: [(String, [String: String])] = [
      ("an empty volume", ["sizeBytes": "1073741824"]), ("another instance", Self.cloneOptions("another")),
      ("nothing valid", ["cloneOf": "../x", "cloneOfInstance": instance]),
    ]
    _ = bench.reconciler()
    for (remark, options) in rows {
      bench.writes.put(Bench.volume { $0.flexVolume?.options = StringMap(options) })
      let error = await #expect(throws: VolumeError.self, "\(remark)") {
        try await bench.service.prepare(try Self.name, Self.cloneOptions(instance), pod: "default/pod")
      }
      #expect(error?.code == .forbidden, "\(remark): \(String(describing: error))")
      #expect(bench.stored() == nil, "\(remark)")
    }
  }

  @Test("an inline volume is never a clone")
  func inlineClone() async throws {
    let (bench, instance) = try await Self.benchWithOrigin(allowsInlineVolumes: true)
    _ = bench.reconciler()
    let error = await #expect(throws: VolumeError.self) {
      try await bench.service.prepare(try VolumeName("inline"), Self.cloneOptions(instance), pod: "default/pod")
    }
    #expect(error?.code == .forbidden)
    try await bench.service.prepare(try VolumeName("inline"), ["sizeBytes": "1073741824"], pod: "default/pod")
    #expect(bench.stored("inline")?.marks?.origin == nil)
  }

  @Test("without an API server volumes are created on request, unless the operator refuses")
  func standAlone() async throws {
    let bench = try Bench()
    _ = try await bench.earlier.prepare(Self.name, ["sizeBytes": "1073741824"])
    #expect(bench.stored() != nil)
    let refusing = NoCluster(allowsCreation: false)
    await #expect(throws: VolumeError.self) {
      try await refusing.admitCreation(of: Self.name, adopting: nil, from: .empty, by: nil)
    }
  }
}
