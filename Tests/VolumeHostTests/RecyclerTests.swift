import Synchronization
import Testing
import VolumeHost

@Suite("Wiping volumes, limits and bulk verification")
struct RecyclerTests {
  private static let spec = VolumeSpec.persistent("pv1", FlexSource(driver: "d"))

  @Test("A template without volumes is rejected")
  func template() throws {
    var template = RecyclerTemplate()
    try template.validate()
    template.volumes = []
    #expect(throws: VolumeFailure.final("does not contain any volumes")) { try template.validate() }
  }

  @Test(
    "Each GiB, rounded up, adds to the deadline", arguments: [(0, 30), (1, 60), (5 << 30, 180), (5 << 30 + 1, 210)])
  func deadline(bytes: Int64, seconds: Int) throws {
    let pod = try RecyclerTemplate().pod(for: Self.spec, bytes: bytes, timeouts: RecyclerTimeouts())
    #expect(pod.template.deadline == .seconds(seconds))
    #expect(pod.name == "recycler-for-pv1")
    #expect(pod.template.volumes[0].source == Self.spec)
  }

  private func recycle(_ cluster: ScriptedCluster) async throws {
    let pod = try RecyclerTemplate().pod(for: Self.spec, bytes: 1, timeouts: RecyclerTimeouts())
    try await PodRecycler(pod: pod, cluster: cluster) { cluster.record("event \($0)") }.recycle()
  }

  @Test("The pod is deleted at the end, and its Events are forwarded")
  func succeeded() async throws {
    let cluster = ScriptedCluster([.event("pulling"), .succeeded])
    try await recycle(cluster)
    #expect(cluster.log == ["create", "event pulling", "delete"])
  }

  @Test(
    "A failure is thrown and the pod is deleted anyway",
    arguments: [
      (RecyclerPodEvent.failed("disk error"), "disk error"), (.failed(""), "pod failed, pod.Status.Message unknown"),
      (.deleted, "recycler pod was deleted"), (.watchEnded, "recycler pod watch channel had been closed"),
    ])
  func failed(event: RecyclerPodEvent, message: String) async {
    let cluster = ScriptedCluster([event])
    await #expect(throws: VolumeFailure.final(message)) { try await recycle(cluster) }
    #expect(cluster.log == ["create", "delete"])
  }

  @Test("An existing pod of that name is deleted, and the next sync retries")
  func existing() async {
    let cluster = ScriptedCluster([], exists: true)
    await #expect(throws: VolumeFailure.transient("old recycler pod \"recycler-for-pv1\" found, will retry later")) {
      try await recycle(cluster)
    }
    #expect(cluster.log == ["create", "delete"])
  }

  @Test("A pod that cannot be deleted after its success is an error")
  func undeleted() async {
    let cluster = ScriptedCluster([.succeeded], undeletable: true)
    await #expect(throws: VolumeFailure.final("failed to delete recycler pod: no")) { try await recycle(cluster) }
  }

  @Test("A limit's key has at most 63 characters; long names are hashed")
  func limitKeys() {
    #expect(VolumeLimitKey.driver("com.amazon.csi.ebs") == "attachable-volumes-csi-com.amazon.csi.ebs")
    let long = VolumeLimitKey.driver("com.amazon.kubernetes.eks.ec2.ebs/csi-driver")
    #expect(long.utf8.count == 62)
    #expect(long == "attachable-volumes-csi-com.amazon.kubernetes.e87aab31eac74422c")
    #expect(VolumeLimitKey.isBelowLimit(for: "k", used: 4, limits: ["k": 5]))
    #expect(!VolumeLimitKey.isBelowLimit(for: "k", used: 5, limits: ["k": 5]))
    #expect(VolumeLimitKey.isBelowLimit(for: "other", used: 5, limits: ["k": 5]))
  }
}

private final class ScriptedCluster: RecyclerCluster {
  private let events: Mutex<[RecyclerPodEvent]>
  private let entries = Mutex<[String]>([])
  private let exists: Bool
  private let undeletable: Bool

  init(_ events: [RecyclerPodEvent], exists: Bool = false, undeletable: Bool = false) {
    self.events = Mutex(events)
    self.exists = exists
    self.undeletable = undeletable
  }

  var log: [String] { entries.withLock { $0 } }
  func record(_ text: String) { entries.withLock { $0.append(text) } }

  func create(_ pod: RecyclerPod) async throws(VolumeFailure) -> Bool {
    record("create")
    return !exists
  }
  func next(_ name: String) async -> RecyclerPodEvent {
    events.withLock { $0.isEmpty ? .watchEnded : $0.removeFirst() }
  }
  func delete(_ name: String) async throws(VolumeFailure) {
    record("delete")
    if undeletable { throw .final("no") }
  }
}
