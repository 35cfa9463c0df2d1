import KubernetesAPI
import StorageModel
import Synchronization
import TestSupport
import Testing

/// As the PV controller of Kubernetes does it (`pv_controller.go`, `syncVolume` and `syncUnboundClaim`).
@Suite("Volume controllers of the simulated API server")
struct VolumeControllerTests {
  private let server = SimulatedAPIServer()
  private static let key = ObjectKey(namespace: "default", name: "data")

  private func addClaim(
    gibibytes: Int64 = 1, uid: String = "c", _ change: (inout PersistentVolumeClaim) -> Void = { _ in }
  ) {
    var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data", namespace: "default", uid: uid))
    claim.request = Quantity(gibibytes << 30)
    claim.phase = "Pending"
    change(&claim)
    server.put(claim)
  }

  private func addVolume(_ name: String = "v", _ change: (inout PersistentVolume) -> Void = { _ in }) {
    var volume = PersistentVolume(metadata: ObjectMeta(name: name, finalizers: ["example.com/backup"]))
    volume.capacity = Quantity(1 << 30)
    volume.claim = ObjectReference(namespace: "default", name: "data", uid: "c")
    change(&volume)
    server.put(volume)
  }

  private var claim: PersistentVolumeClaim? { server.objects(PersistentVolumeClaim.self).first }
  private func phase(_ volume: String = "v") -> String? {
    server.objects(PersistentVolume.self).first { $0.metadata.name == volume }?.phase
  }

  @Test("a PV and its claim are bound, by hand or in the same step", arguments: [false, true])
  func bound(isAtOnce: Bool) {
    if isAtOnce { server.actsAtOnce(.binder) }
    addVolume()
    addClaim()
    if !isAtOnce {
      #expect(claim?.phase == "Pending")
      server.act(.binder)
    }
    // The PV came first, and was released.
    #expect(claim?.volumeName == "v" && claim?.phase == "Bound" && claim?.capacity == Quantity(1 << 30))
    #expect(phase() == "Bound")
    let version = server.version
    server.act(.binder)
    #expect(server.version == version, "there is nothing more to do")
  }

  @Test("a PV is released when its claim is gone, and another claim of the name does not get it")
  func released() {
    server.actsAtOnce(.binder)
    addClaim()
    addVolume()
    server.remove(PersistentVolumeClaim.resource, Self.key)
    #expect(phase() == "Released")
    addClaim(uid: "another")
    #expect(phase() == "Released" && claim?.volumeName == "")
    addVolume("free") { $0.claim = nil }
    #expect(phase("free") == "Bound" && claim?.volumeName == "free")
    #expect(server.objects(PersistentVolume.self).first { $0.metadata.name == "free" }?.claim?.uid == "another")
    addVolume("left") { $0.claim = nil }
    #expect(phase("left") == "Available")
  }

  @Test("a PV that is too small, that is being deleted, or whose claim has another is not bound")
  func unbound() {
    server.actsAtOnce(.binder)
    addClaim(gibibytes: 2)
    addVolume()
    #expect(claim?.phase == "Pending" && phase() == "")
    server.remove(PersistentVolume.resource, ObjectKey(name: "v"))
    addClaim()
    #expect(claim?.phase == "Pending" && phase() == "")
    addVolume("w")
    addVolume("x")
    #expect(claim?.volumeName == "w" && phase("x") == "")
  }

  @Test("what holds a PV that is being deleted lets it go, from then on when it is wanted and with the next change")
  func finalizers() {
    addVolume()
    addVolume("w")
    server.remove(PersistentVolume.resource, ObjectKey(name: "v"))
    #expect(phase() != nil)
    server.actsAtOnce(.finalizers)
    #expect(phase() == nil && phase("w") != nil)
    server.remove(PersistentVolume.resource, ObjectKey(name: "w"))
    #expect(phase("w") == nil)
  }

  @Test("the audit tells what a request has made from what followed in the same step")
  func audited() async throws {
    let seen = Seen()
    server.audit { change in seen.changes.withLock { $0.append("\(change.resource) \(change.isRequested)") } }
    server.actsAtOnce(.binder)
    addClaim()
    var volume = PersistentVolume(metadata: ObjectMeta(name: "v"))
    volume.capacity = Quantity(1 << 30)
    volume.claim = ObjectReference(namespace: "default", name: "data", uid: "c")
    _ = try await APIClient(server).create(volume)
    #expect(
      seen.changes.withLock { $0 } == [
        "persistentvolumeclaims false", "persistentvolumes true", "persistentvolumes false",
        "persistentvolumeclaims false",
      ])
  }

  private final class Seen: Sendable {
    let changes = Mutex<[String]>([])
  }
}
