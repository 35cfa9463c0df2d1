import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Testing

@testable import NodeReconciler

@Suite("Conditions of volumes in use")
struct ConditionTests {
  /// A volume that is made and mounted, and its device.
  private static func mounted() async throws -> (Bench, NodeReconciler, DeviceNumber) {
    let bench = try Bench()
    let reconciler = bench.reconciler()
    await bench.process(bench.writes.put(Bench.volume()), with: reconciler)
    let device = try #require(bench.world.state.withLock { $0.deviceNumbers["/dev/simulated/\(Bench.name)"] })
    bench.world.state.withLock { state in
      state.mounts = [
        MountEntry(
          id: 1, parentID: 0, device: device, root: "/", mountPoint: "/staged", options: ["rw"],
          fileSystemType: "ext4", source: "/dev/simulated/\(Bench.name)")
      ]
    }
    return (bench, reconciler, device)
  }

  @Test("a complaint of the kernel gives one Event on PV and claim, a worse one another, and its end too")
  func told() async throws {
    let (bench, reconciler, device) = try await Self.mounted()
    let look = { (complaint: FileSystemComplaint?) in
      bench.world.state.withLock { $0.complaints[device] = complaint }
      bench.writes.forgetEvents()
      _ = await reconciler.checkConditions()
      return bench.writes.events.map { "\($0.object) \($0.reason)" }
    }
    let abnormal = ["\(Bench.name) VolumeConditionAbnormal", "data VolumeConditionAbnormal"]
    #expect(await look(nil) == [])
    #expect(await look(.errors(1)) == abnormal)
    #expect(await reconciler.abnormalVolumes == 1)
    #expect(await look(.errors(1)) == [])
    #expect(await look(.readOnly) == abnormal)
    #expect(bench.writes.events.first?.message.contains("read-only after an error") == true)
    #expect(await look(nil) == ["\(Bench.name) VolumeConditionNormal", "data VolumeConditionNormal"])
    #expect(await reconciler.abnormalVolumes == 0)
  }

  @Test("a volume that is mounted nowhere is not judged")
  func unmounted() async throws {
    let (bench, reconciler, device) = try await Self.mounted()
    bench.world.state.withLock { state in
      state.complaints[device] = .readOnly
      state.mounts = []
    }
    _ = await reconciler.checkConditions()
    #expect(await reconciler.abnormalVolumes == 0)
    #expect(bench.writes.events.isEmpty)
  }
}
