import LinuxSystem
import StorageModel
import Testing

@testable import LogicalVolumes

@Suite("The flight recorder and the errors of LVM")
struct FlightRecorderTests {
  @Test("the last 16 commands are kept, oldest first, and all are counted by name and outcome")
  func ring() {
    let recorder = FlightRecorder()
    for number in 1...40 {
      recorder.begin("lvcreate \(number)")
      recorder.end(name: "lvcreate", returnCode: number % 4 == 0 ? 5 : 1, succeeded: number % 4 != 0, messages: "")
    }
    let activity = recorder.snapshot
    #expect(activity.recent.map(\.command) == (25...40).map { "lvcreate \($0)" })
    #expect(activity.counts[EngineActivity.Key(command: "lvcreate", succeeded: true)] == 30)
    #expect(activity.counts[EngineActivity.Key(command: "lvcreate", succeeded: false)] == 10)
    #expect(activity.total == 40)
    #expect(activity.recent.last?.returnCode == 5)
    #expect(activity.runningSeconds == nil)
    #expect(activity.recent.allSatisfy { ($0.seconds ?? -1) >= 0 })
  }

  @Test("a command that hangs shows as running, last and without an end")
  func hanging() {
    let recorder = FlightRecorder()
    #expect(recorder.snapshot.runningSeconds == nil)
    recorder.begin("lvcreate stuck")
    let activity = recorder.snapshot
    #expect((activity.runningSeconds ?? -1) >= 0)
    #expect(activity.recent.last?.command == "lvcreate stuck")
    #expect(activity.recent.last?.seconds == nil)
    #expect(activity.recent.last?.returnCode == nil)
    #expect(activity.total == 0)
  }

  @Test("what a command prints is kept up to 1,024 characters")
  func messages() {
    let recorder = FlightRecorder()
    recorder.begin("lvs")
    recorder.end(name: "lvs", returnCode: 5, succeeded: false, messages: String(repeating: "m", count: 5000))
    #expect(recorder.snapshot.recent.last?.messages.count == 1024)
  }

  @Test(
    "the library's words become an error to branch on",
    arguments: [
      (
        "Volume group \"vg\" has insufficient free space (15 extents): 16 required.", VolumeError.Code.noSpace,
        "lvcreate on a full group"
      ),
      ("Insufficient suitable allocatable extents for logical volume pvc-1: 5 more required", .noSpace, "lvextend"),
      ("Insufficient suitable contiguous allocatable extents", .noSpace, "contiguous allocation"),
      (
        "VG vg metadata on /dev/sdb (521 bytes) is too large for circular buffer.; Failed to write VG vg.", .noSpace,
        "a full metadata area"
      ),
      ("Failed to write VG vg.", .noSpace, "a full metadata area, the last words of it"),
      ("Logical volume vg/pvc-1 contains a filesystem in use.", .inUse, "a mounted volume"),
      ("Logical volume vg/pvc-1 in use.", .inUse, "a volume that is open"),
      ("Logical volume vg/pvc-1 is used by another device.", .inUse, "a volume below another device"),
      ("Failed to find logical volume \"vg/pvc-1\"", .notFound, "no such volume"),
      ("Volume group \"vg\" not found; Cannot process volume group vg", .unavailable, "no such group"),
      ("Can't get lock for vg", .unavailable, "the lock is held"),
      ("device-mapper: reload ioctl on (254:0) failed: No space left", .unavailable, "the kernel refuses"),
      ("Maximum number of logical volumes (5) reached in volume group vg", .unavailable, "no more are allowed"),
      ("Cannot update volume group vg with duplicate PV devices.", .unavailable, "a copy of a disk"),
      ("Cannot activate LVs in VG vg while PVs appear on duplicate devices.", .unavailable, "a copy of a disk"),
      ("Volume group vg is exported", .unavailable, "an exported group"),
      ("Cannot change VG vg while PVs are missing.; Cannot process volume group vg", .unavailable, "a missing disk"),
      ("Cannot access VG vg with system ID other with unknown local system ID.", .unavailable, "another host's"),
      ("Multiple VGs found with the same name: skipping vg", .unavailable, "a namesake"),
      ("Snapshot origin volumes can be resized only while inactive: try lvchange -an.", .inUse, "an active origin"),
      ("Something nobody foresaw.", .internal, "anything else"),
      ("", .internal, "nothing at all"),
    ])
  func phrases(_ message: String, _ code: VolumeError.Code, _ remark: String) {
    let result = LVMSession.Result(returnCode: 5, report: [], messages: message.split(separator: "; ").map(String.init))
    let error = result.failure("making volume pvc-1")
    #expect(error.code == code, "\(remark)")
    #expect(error.message.hasPrefix("making volume pvc-1: "), "\(remark)")
    #expect(error.message.contains(message), "the library's words are quoted whole: \(error.message)")
  }

  @Test("a lock that is held elsewhere is reported with its file, and a volume that lvm.conf excludes with the setting")
  func settings() {
    let locked = LVMSession.Result(
      returnCode: 5, report: [],
      messages: ["  /run/lock/lvm/V_vg: flock failed: Resource temporarily unavailable", "Can't get lock for vg."])
    #expect(locked.lockHeldElsewhere == "/run/lock/lvm/V_vg")
    #expect(locked.failure("making volume pvc-1").code == .unavailable)
    #expect(locked.failure("making volume pvc-1").message.contains("fuser -v /run/lock/lvm/V_vg"))
    let filtered = LVMSession.Result(
      returnCode: 5, report: [], messages: ["Volume vg/pvc-1 is not active locally (volume_list activation filter?)."])
    #expect(filtered.failure("making volume pvc-1").code == .unavailable)
    #expect(filtered.failure("making volume pvc-1").message.contains("activation/volume_list"))
    #expect(filtered.lockHeldElsewhere == nil)
  }

  @Test("an existing volume is distinguished from every other failure")
  func exists() {
    func result(_ text: String) -> LVMSession.Result { LVMSession.Result(returnCode: 5, report: [], messages: [text]) }
    #expect(result("Logical Volume \"pvc-1\" already exists in volume group \"vg\"").saysExists)
    #expect(!result("Volume group \"vg\" has insufficient free space").saysExists)
  }

  @Test("only return code 1 is success")
  func success() {
    for code in [Int32(0), 2, 3, 4, 5, -1] {
      #expect(!LVMSession.Result(returnCode: code, report: [], messages: []).succeeded, "\(code)")
    }
    #expect(LVMSession.Result(returnCode: 1, report: [], messages: []).succeeded)
  }
}
