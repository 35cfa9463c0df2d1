import Glibc
import LinuxSystem
import Testing
import VolumeHost

@Suite("Block volumes")
struct BlockMappingTests {
  private let files = SimulatedFiles()
  private var mapping: BlockMapping { BlockMapping(files: files) }
  private let paths = BlockPaths(HostPaths())

  private func places(_ uid: String = "uid-1") -> BlockMapping.Places {
    paths.places(plugin: "example.org/block", volume: "pv", pod: uid)
  }

  @Test("A device has an entry and a link for each pod, and a loop device that holds it")
  func map() async throws {
    let loop = try await mapping.map("/dev/sdx", for: places())
    let global = "/var/lib/kubelet/plugins/kubernetes.io/example.org/block/volumeDevices/pv"
    let link = "/var/lib/kubelet/pods/uid-1/volumeDevices/example.org~block/pv"
    #expect(files.link(at: link) == "/dev/sdx" && files.mountCount(global + "/uid-1") == 1)
    #expect(loop == "/dev/loop0")
    #expect(try await mapping.users(of: global) == ["uid-1"])
  }

  @Test("Mapping again stacks nothing and replaces a stale link after a reboot")
  func again() async throws {
    try await mapping.map("/dev/sdx", for: places())
    files.removeAllMounts()
    try await mapping.map("/dev/sdy", for: places())
    try await mapping.map("/dev/sdy", for: places())
    #expect(files.mountCount(places().global + "/uid-1") == 1)
    #expect(files.link(at: places().pod + "/pv") == "/dev/sdy")
  }

  @Test("A device is kept until its last pod is gone; unmapping a device that is not mapped succeeds")
  func unmap() async throws {
    try await mapping.unmap(places())
    try await mapping.map("/dev/sdx", for: places())
    try await mapping.map("/dev/sdx", for: places("uid-2"))
    try await mapping.unmap(places())
    try await mapping.unmap(places())
    #expect(files.link(at: places().pod + "/pv") == nil)
    await #expect(throws: VolumeFailure.self) { try await mapping.removeGlobal(places().global) }
    try await mapping.unmap(places("uid-2"))
    try await mapping.removeGlobal(places().global)
    #expect(!files.exists(places().global))
    #expect(try await files.findLoop(on: places().global + "/uid-2") == nil)
  }

  @Test(
    "Nothing is mapped without a device, an absolute path and plain names",
    arguments: [("", "uid-1"), ("sdx", "uid-1"), ("/dev/sdx", "../x"), ("/dev/sdx", "")])
  func refused(device: String, uid: String) async {
    await #expect(throws: VolumeFailure.self) { try await mapping.map(device, for: places(uid)) }
  }

  @Test("A FlexVolume in block mode is rejected as by a kubelet: its pod waits, and the driver is never called")
  func flexVolume() {
    let bench = NodeBench()
    var spec = VolumeSpec.persistent("pv", Sample.source)
    spec.mode = .block
    let pod = Sample.pod(volumes: [spec])
    bench.run(pod)
    bench.time.run(for: .seconds(60))
    #expect(bench.driver.commands.isEmpty && !bench.isReady(pod))
    #expect(bench.problem(pod)?.contains("failed to find BlockVolumeMapper plugin") == true)
  }

  @Test("A real device is mapped and unmapped", .enabled(if: LoopSupport.works, "skipped: needs root and loop devices"))
  func linux() async throws {
    let directory = try TemporaryDirectory()
    let image = try directory.image("disk", bytes: 1 << 20)
    let device = try LoopDevice.attach(image: image)
    defer { try? LoopDevice.detach(device) }
    let mapping = BlockMapping(files: LinuxFiles())
    let places = BlockPaths(HostPaths(root: directory.path)).places(plugin: "a/b", volume: "pv", pod: "uid-1")
    let loop = try await mapping.map(device, for: places)
    let again = try await mapping.map(device, for: places)
    #expect(loop == again && loop != device)
    #expect(try await mapping.users(of: places.global) == ["uid-1"])
    try await mapping.unmap(places)
    try await mapping.removeGlobal(places.global)
    #expect(!Files.exists(places.global) && !Files.exists(places.pod + "/pv"))
    #expect(try !LoopDevice.all().map(\.device).contains(loop))
  }
}

/// Whether this machine allows loop devices.
enum LoopSupport {
  static let works = geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0
}
