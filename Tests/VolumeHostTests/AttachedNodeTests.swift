import Testing
import VolumeHost

@Suite("A node and its controller with a driver that attaches")
struct AttachedNodeTests {
  private let pod = Sample.pod()

  private func inline(_ lun: String, named name: String = "v") -> VolumeSpec {
    .inline(name, FlexSource(driver: "example.org/bind", options: ["lun": lun]))
  }

  @Test(
    "Each pod of one PV waits for the device; the first mounts it, the last unmounts it", arguments: ["1.20", "1.36"])
  func sharedVolume(version: String) {
    let bench = ClusterBench(version)
    let volume = VolumeSpec.persistent("pv", Sample.source)
    let (first, second) = (Sample.pod(volumes: [volume]), Sample.pod("in2", uid: "uid-2", volumes: [volume]))
    bench.run(first)
    #expect(bench.take() == [.attach, .waitForAttach, .mountDevice, .mount])
    bench.run(second)
    #expect(bench.take() == [.waitForAttach, .mount])
    bench.delete(first)
    #expect(bench.take() == [.unmount])
    bench.delete(second)
    #expect(bench.take() == [.unmount, .unmountDevice, .detach])
  }

  @Test("Pods with different volumes do not affect each other")
  func separateVolumes() {
    let bench = ClusterBench()
    let first = Sample.pod(volumes: [inline("1", named: "a")])
    let second = Sample.pod("in2", uid: "uid-2", volumes: [inline("2", named: "b")])
    bench.run(first)
    bench.run(second)
    #expect(bench.status.attached.keys.map(\.text).sorted() == ["example.org/bind/a", "example.org/bind/b"])
    _ = bench.take()
    bench.delete(first)
    #expect(bench.take() == [.unmount, .unmountDevice, .detach])
    #expect(bench.driver.calls.last?.arguments == ["a", "node1"])
    #expect(bench.isMounted(second))
  }

  @Test(
    "Before 1.32 neither kubelet nor controller-manager calls a driver before there is a pod",
    arguments: [("1.31", 0), ("1.32", 2)])
  func probeAtStart(version: String, asked: Int) {
    let bench = ClusterBench(version)
    bench.time.run(for: .seconds(60))
    #expect(bench.driver.calls.count == asked)
    bench.run(pod)
    #expect(bench.driver.calls.filter { $0.command == .initialize }.count == 2 && bench.isMounted(pod))
  }

  @Test("Inline volumes of one name are one volume for 1.20: the second pod gets the first one's device")
  func namesakesOld() {
    let bench = ClusterBench("1.20")
    let first = Sample.pod(volumes: [inline("1")])
    let second = Sample.pod("in2", uid: "uid-2", volumes: [inline("2")])
    bench.run(first)
    _ = bench.take()
    bench.run(second)
    #expect(bench.take() == [.waitForAttach, .mount])
    let asked = bench.driver.calls.last { $0.command == .waitForAttach }?.arguments[1] ?? ""
    #expect(asked.contains(#""lun":"2""#))
  }

  @Test(
    "Since 1.27 the second pod waits until the first has released the volume, and continues at once",
    arguments: ["1", "2"])
  func namesakesNew(lun: String) {
    let bench = ClusterBench("1.27")
    let first = Sample.pod(volumes: [inline("1")])
    let second = Sample.pod("in2", uid: "uid-2", volumes: [inline(lun)])
    bench.run(first)
    _ = bench.take()
    bench.run(second, for: .seconds(100))
    #expect(bench.take().isEmpty && bench.events.contains { $0.message.contains("nil pointer") })
    bench.delete(first, for: .milliseconds(200))
    #expect(bench.take() == [.unmount, .waitForAttach, .mount])
    bench.delete(second)
    #expect(bench.take() == [.unmount, .unmountDevice, .detach])
  }

  @Test("A restarted kubelet waits for the device again and changes nothing else", arguments: ["1.20", "1.36"])
  func restart(version: String) {
    let bench = ClusterBench(version)
    bench.run(pod)
    _ = bench.take()
    bench.stopNode()
    bench.startNode(pod)
    bench.time.run(for: .seconds(30))
    #expect(bench.take() == [.waitForAttach])
    bench.delete(pod)
    #expect(bench.take() == [.unmount, .unmountDevice, .detach])
  }

  @Test("A pod deleted while the kubelet is down is torn down when the kubelet is back", arguments: ["1.20", "1.36"])
  func deletedWhileDown(version: String) {
    let bench = ClusterBench(version)
    bench.run(pod)
    _ = bench.take()
    bench.stopNode()
    bench.deleteByForce(pod)
    bench.time.run(for: .seconds(30))
    #expect(bench.take().isEmpty, "the node still reports it in use")
    bench.startNode()
    bench.time.run(for: .seconds(5))
    #expect(bench.take() == [.unmount, .unmountDevice, .detach])
  }

  @Test(
    "After a reboot a deleted pod's volume is unmounted once, although nothing is mounted", arguments: ["1.20", "1.36"])
  func deletedBeforeReboot(version: String) {
    let bench = ClusterBench(version)
    bench.run(pod)
    _ = bench.take()
    bench.stopNode()
    bench.files.removeAllMounts()
    bench.deleteByForce(pod)
    bench.startNode()
    bench.time.run(for: .seconds(30))
    #expect(bench.take() == [.unmount, .detach])
    #expect(!bench.files.exists(HostPaths().volume("v", ofPod: pod.uid, driver: NodeBench.name)))
  }

  @Test(
    "A dead node's volume is verified every minute, detached after six minutes, and unmounted when the node is back")
  func deadNode() {
    let bench = ClusterBench("1.20")
    bench.run(pod)
    _ = bench.take()
    bench.stopNode()
    bench.deleteByForce(pod)
    bench.time.run(for: .seconds(361))
    #expect(bench.take() == [.detach])
    #expect(bench.driver.times(.isAttached).count == 6)
    bench.startNode()
    bench.time.run(for: .seconds(30))
    #expect(bench.take() == [.unmount, .unmountDevice])
  }

  @Test("A failed mount is retried with a new wait for the device each time, and without mounting the device again")
  func failingMount() {
    let bench = ClusterBench()
    bench.driver.fail(.mount)
    bench.run(pod, for: .seconds(1))
    #expect(bench.take() == [.attach, .waitForAttach, .mountDevice, .mount, .waitForAttach, .mount])
    bench.delete(pod)
    let after = bench.take().filter { $0 != .waitForAttach && $0 != .mount }
    #expect(after == [.unmountDevice, .detach], "what was never mounted is not unmounted")
  }

  @Test("A failed mountdevice leaves nothing to unmount, and the volume is detached")
  func failingMountDevice() {
    let bench = ClusterBench()
    bench.driver.fail(.mountDevice)
    bench.run(pod, for: .seconds(1))
    #expect(bench.take() == [.attach, .waitForAttach, .mountDevice, .waitForAttach, .mountDevice])
    bench.delete(pod)
    #expect(bench.take().last == .detach)
    #expect(!bench.commands.contains(.unmountDevice) && !bench.commands.contains(.unmount))
  }

  @Test("A failed unmountdevice is retried, and the volume is not detached before it succeeds")
  func failingUnmountDevice() {
    let bench = ClusterBench()
    bench.run(pod)
    _ = bench.take()
    bench.driver.fail(.unmountDevice)
    bench.delete(pod)
    #expect(bench.take() == [.unmount, .unmountDevice, .unmountDevice, .unmountDevice, .unmountDevice])
    bench.driver.fail(.unmountDevice, false)
    bench.time.run(for: .seconds(10))
    #expect(bench.take() == [.unmountDevice, .detach])
  }

  @Test("A device that is held open is not detached")
  func heldDevice() {
    let bench = ClusterBench()
    bench.run(pod)
    _ = bench.take()
    bench.files.hold("/dev/x")
    bench.delete(pod)
    #expect(bench.take().first == .unmount && !bench.commands.contains(.detach))
    bench.files.hold("/dev/x", false)
    bench.time.run(for: .seconds(10))
    #expect(bench.commands.last == .detach)
  }

  @Test("After a failed attach the volume may be attached: it is detached when the pod is gone")
  func failingAttach() {
    let bench = ClusterBench()
    bench.driver.fail(.attach)
    bench.run(pod)
    bench.delete(pod)
    let calls = bench.take()
    #expect(calls.last == .detach && Set(calls) == [.attach, .detach])
  }

  @Test("A volume that the driver reports as detached is attached again")
  func lostAttachment() {
    let bench = ClusterBench()
    bench.run(pod)
    _ = bench.take()
    bench.driver.answer(.isAttached, #"{"status":"Success","attached":false}"#)
    bench.time.run(for: .seconds(61))
    #expect(bench.take() == [.attach])
  }

  @Test("Without its driver a mount fails with back-off, and an unmount starts when the driver is back")
  func driverGone() {
    let bench = ClusterBench()
    bench.run(pod)
    _ = bench.take()
    bench.change(.removed)
    bench.delete(pod, for: .seconds(60))
    #expect(bench.take().isEmpty)
    bench.change(.addedOrUpdated)
    bench.time.run(for: .seconds(1))
    #expect(bench.take().filter { $0 != .initialize } == [.unmount, .unmountDevice, .detach])
  }

  @Test("A grown PV's file system is grown at the device mount, before the pod gets it")
  func growth() {
    let bench = ClusterBench()
    let volume = VolumeSpec.persistent("pv", Sample.source, sizes: .init(volume: 2, claim: 1))
    bench.run(Sample.pod(volumes: [volume]))
    #expect(bench.take() == [.attach, .waitForAttach, .mountDevice, .expandFileSystem, .mount])
    let call = bench.driver.calls.last { $0.command == .expandFileSystem }
    let directory = HostPaths().deviceMount("pv", driver: NodeBench.name)
    #expect(call?.arguments.dropFirst() == ["/dev/x", directory, "2", "1"])
  }

  @Test("From 1.13 to 1.15 the kubelet also calls for the volume's growth, before that of the file system")
  func oldGrowth() {
    let bench = ClusterBench("1.14")
    let volume = VolumeSpec.persistent("pv", Sample.source, sizes: .init(volume: 2, claim: 1))
    bench.run(Sample.pod(volumes: [volume]))
    #expect(
      bench.take() == [.attach, .waitForAttach, .mountDevice, .expandVolume, .expandFileSystem, .mount])
  }

  @Test("Only waitforattach has a time limit: ten minutes")
  func limits() {
    let bench = ClusterBench()
    bench.run(pod)
    bench.delete(pod)
    let limited = bench.driver.calls.filter { $0.limit != nil }
    #expect(limited.map(\.command) == [.waitForAttach] && limited.allSatisfy { $0.limit == .seconds(600) })
  }

  @Test("Up to 1.23 a query for a volume that is not reported in use fails with back-off")
  func reportedUse() {
    for (version, time) in [("1.23", 600), ("1.24", 300)] {
      let bench = ClusterBench(version)
      bench.run(pod)
      #expect(bench.driver.times(.waitForAttach) == [.milliseconds(time)])
    }
  }
}
