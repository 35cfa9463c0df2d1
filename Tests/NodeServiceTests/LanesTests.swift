import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Telemetry
import Testing

@testable import NodeService

@Suite("Lanes", .timeLimit(.minutes(1)))
struct LanesTests {
  @Test(
    "a device's lane is its volume group's, all disk images' or its own",
    arguments: [
      ("/dev/mapper/vg-pvc--1", "vg"), ("/dev/mapper/elastic--local-pvc--1--2", "elastic-local"),
      ("/dev/mapper/a----b-c", "a--b"), ("/dev/mapper/plain", "plain"), ("/dev/mapper/", ""), ("/dev/loop7", "images"),
      ("/dev/sda1", "sda1"), ("tmpfs", "other"), ("", "other"),
    ])
  func lane(device: String, group: String) {
    #expect(LinuxNodeSystem.group(ofDevice: device) == group)
  }

  @Test("a check that hangs is reported, delays no other check, and is not repeated until it has ended")
  func checks() async throws {
    let conditions = KnownConditions(patience: .milliseconds(100))
    let gate = Gate()
    let begun = MadeCount()
    let (stuck, well) = (try VolumeName("pvc-1"), try VolumeName("pvc-2"))
    let hang: @Sendable () async -> Int = {
      begun.value.withLock { $0 += 1 }
      await gate.pass()
      return 1
    }
    #expect(await conditions.check(stuck, hang) == nil)
    #expect(await conditions.check(stuck, hang) == nil)
    #expect(begun.value.withLock { $0 } == 1)
    #expect(await conditions.check(well) { 2 } == 2)
    gate.open()
    let limit = MonotonicClock.now() + .seconds(30)
    while await conditions.check(stuck, { 3 }) != 3, MonotonicClock.now() < limit { await Task.yield() }
    #expect(await conditions.check(stuck) { 4 } == 4)
  }

  @Test("health says which disk does not answer and stays well; it fails when work that all volumes need is stuck")
  func health() async throws {
    let rows: [(load: LaneLoad, isWell: Bool, words: String)] = [
      (
        LaneLoad(work: "mount", group: "vg1", limit: 128, busy: 3, waiting: 0, oldest: .seconds(400)), true, "vg1: 3 of"
      ),
      (LaneLoad(work: "tool", group: "vg1", limit: 16, busy: 1, waiting: 0, oldest: .seconds(4000)), true, "ok\n"),
      (LaneLoad(work: "table", group: "", limit: 32, busy: 3, waiting: 0, oldest: .seconds(400)), false, "stuck"),
      (LaneLoad(work: "table", group: "", limit: 32, busy: 3, waiting: 0, oldest: .seconds(3)), true, "ok\n"),
    ]
    for row in rows {
      let page = MetricsServer.health([row.load])
      #expect((page.status == 200) == row.isWell, "\(row.load)")
      #expect(page.body.contains(row.words), "\(page.body)")
    }
  }
}
