import KubernetesAPI
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@Suite("Objects that are put there by hand")
struct ObjectsByHandTests {
  private let server = SimulatedAPIServer()
  private static let key = ObjectKey(name: "v")

  private var volume: PersistentVolume? { server.objects(PersistentVolume.self).first }

  private func put(uid: String = "", phase: String = "Bound", _ change: (inout PersistentVolume) -> Void = { _ in }) {
    var volume = PersistentVolume(metadata: ObjectMeta(name: "v", uid: uid))
    volume.phase = phase
    change(&volume)
    server.put(volume)
  }

  @Test("an object has its UID, its status and its deletion as they were put")
  func whole() {
    put(uid: "u") { $0.metadata.deletionTimestamp = Timestamp(seconds: 1) }
    #expect(volume?.metadata.uid == "u" && volume?.phase == "Bound" && volume?.metadata.isBeingDeleted == true)
  }

  @Test("without a UID it is the object of its name, and with another one that is deleted first")
  func replaced() {
    let seen = Seen()
    put(uid: "u")
    server.audit { change in seen.ends.withLock { $0.append(change.isGone) } }
    put(phase: "Released")
    #expect(volume?.metadata.uid == "u" && volume?.phase == "Released")
    put(phase: "Released")
    put(uid: "w")
    #expect(volume?.metadata.uid == "w" && volume?.phase == "Bound")
    #expect(seen.ends.withLock { $0 } == [false, true, false])
  }

  @Test(
    "an edit changes the status too, keeps what nobody can change, and ends an object without finalizers that is going")
  func edited() {
    put(uid: "u") { $0.metadata.finalizers = ["example.com/backup"] }
    server.edit(PersistentVolume.self, Self.key) { volume in
      volume.phase = "Failed"
      volume.metadata.deletionTimestamp = Timestamp(seconds: 1)
    }
    #expect(volume?.phase == "Failed" && volume?.metadata.isBeingDeleted == false)
    server.remove(PersistentVolume.resource, Self.key)
    #expect(volume?.metadata.isBeingDeleted == true)
    server.edit(PersistentVolume.self, Self.key) { $0.metadata.finalizers = [] }
    #expect(volume == nil)
  }

  private final class Seen: Sendable {
    let ends = Mutex<[Bool]>([])
  }
}
