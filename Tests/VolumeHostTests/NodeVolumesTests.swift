import Testing
import VolumeHost

@Suite("A node's volumes")
struct NodeVolumesTests {
  private let pod = Sample.pod()

  @Test("A pod's volume is mounted in a new directory, which is removed afterwards")
  func life() {
    let bench = NodeBench()
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    #expect(bench.isReady(pod) && bench.files.mountCount(bench.path(pod)) == 1)
    bench.end(pod)
    bench.forget(pod)
    bench.time.run(for: .seconds(5))
    #expect(bench.driver.commands == [.mount, .unmount])
    #expect(!bench.files.exists(HostPaths().pod(pod.uid)))
  }

  @Test(
    "A mount that fails for a day is retried after at least 0.5 s, then after twice the time, up to 122 s, with an Event each time"
  )
  func backoff() {
    let bench = NodeBench()
    bench.driver.fail(.mount)
    let clock = ContinuousClock()
    let taken = clock.measure {
      bench.run(pod)
      bench.time.run(for: .seconds(86_400))
    }
    let times = bench.driver.times(.mount)
    let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
    // As with real kubelets, the pause must have passed before the next beat of 100 ms.
    let expected: [Duration] = [600, 1100, 2100, 4100, 8100, 16100, 32100, 64100, 122_100, 122_100].map {
      .milliseconds($0)
    }
    #expect(Array(pauses.prefix(10)) == expected)
    #expect((705...720).contains(times.count))
    #expect(bench.events.count == times.count)
    #expect(
      bench.events.last?.message
        == "MountVolume.SetUp failed for volume \"v\" : mount command failed, status: Failure, reason: no")
    #expect(taken < .seconds(10), "\(taken)")
  }

  @Test(
    "Before 1.32 a kubelet without pods calls drivers at its first pod, not at its start",
    arguments: [("1.31", 0), ("1.32", 1), ("1.36", 1)])
  func probeAtStart(version: String, asked: Int) {
    let bench = NodeBench(version)
    bench.time.run(for: .seconds(60))
    #expect(bench.driver.calls.map(\.command) == Array(repeating: .initialize, count: asked))
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    #expect(bench.driver.calls.map(\.command) == [.initialize, .mount])
  }

  @Test(
    "Before 1.32 a kubelet that finds volumes on disk calls the drivers at its start", arguments: ["1.20", "1.31"])
  func probeForLeftOver(version: String) {
    let bench = NodeBench(version)
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.restart()
    bench.time.run(for: .seconds(5))
    #expect(bench.driver.calls.map(\.command) == [.initialize, .mount, .initialize, .unmount])
  }

  @Test("Up to 1.8 the longest back-off is two minutes")
  func oldPause() {
    let bench = NodeBench("1.8")
    bench.driver.fail(.mount)
    bench.run(pod)
    bench.time.run(for: .seconds(1000))
    let times = bench.driver.times(.mount)
    #expect(zip(times.dropFirst(), times).map { $0 - $1 }.max() == .milliseconds(120_100))
  }

  @Test("The directory of a failed mount is removed since 1.9", arguments: [("1.8", true), ("1.9", false)])
  func failedDirectory(version: String, stays: Bool) {
    let bench = NodeBench(version)
    bench.driver.fail(.mount)
    bench.run(pod)
    bench.time.run(for: .milliseconds(10))
    #expect(bench.files.exists(bench.path(pod)) == stays)
  }

  @Test("A pod that is removed while its mount fails is never unmounted")
  func finalFailure() {
    let bench = NodeBench()
    bench.driver.fail(.mount)
    bench.run(pod)
    bench.time.run(for: .seconds(3))
    bench.end(pod)
    bench.time.run(for: .seconds(600))
    #expect(Set(bench.driver.commands) == [.mount])
  }

  @Test("With 1.20 the mount is tried until the pod is gone, and torn down at once if it succeeds")
  func endedPod() {
    for repairs in [false, true] {
      let bench = NodeBench("1.20")
      bench.driver.fail(.mount)
      bench.run(pod)
      bench.time.run(for: .seconds(3))
      bench.end(pod)
      bench.time.run(for: .seconds(10))
      #expect(bench.driver.times(.mount).count == 5)
      if repairs { bench.driver.fail(.mount, false) } else { bench.forget(pod) }
      bench.time.run(for: .seconds(600))
      #expect(bench.driver.times(.mount).count == (repairs ? 6 : 5))
      #expect(bench.driver.times(.unmount).count == (repairs ? 1 : 0))
    }
  }

  @Test("A volume that hangs delays no other, and is torn down once it answers")
  func hanging() {
    let bench = NodeBench()
    let other = Sample.pod("in2", uid: "uid-2")
    bench.driver.delay(.mount, .seconds(20))
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.driver.delay(.mount, .zero)
    bench.run(other)
    bench.time.run(for: .seconds(1))
    #expect(bench.isReady(other) && !bench.isReady(pod))
    bench.end(pod)
    bench.time.run(for: .seconds(10))
    #expect(bench.driver.times(.unmount).isEmpty)
    bench.time.run(for: .seconds(20))
    #expect(bench.driver.times(.unmount).count == 1)
  }

  @Test(
    "After a restart a mounted volume stays, and a volume without a pod is torn down", arguments: ["1.20", "1.36"])
  func restart(version: String) {
    let bench = NodeBench(version)
    let other = Sample.pod("in2", uid: "uid-2")
    bench.run(pod)
    bench.run(other)
    bench.time.run(for: .seconds(1))
    bench.restart(pod)
    bench.time.run(for: .seconds(5))
    #expect(bench.isReady(pod))
    #expect(bench.driver.commands == [.mount, .mount, .unmount])
    #expect(bench.files.mountCount(bench.path(other)) == 0)
  }

  @Test("From 1.7 to 1.15 volumes found on disk have no plugin and stay forever")
  func orphaned() {
    let bench = NodeBench("1.14")
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.restart()
    bench.time.run(for: .seconds(600))
    #expect(bench.driver.commands == [.mount])
    #expect(bench.files.mountCount(bench.path(pod)) == 1)
  }

  @Test("After a restart 1.20 mounts a bind mount within one file system again, 1.36 does not")
  func binds() {
    for (version, count) in [("1.20", 2), ("1.36", 1)] {
      let bench = NodeBench(version)
      bench.run(pod)
      bench.time.run(for: .seconds(1))
      bench.files.removeMount(bench.path(pod))
      try? bench.files.mount(bench.path(pod), isForeign: false)
      bench.restart(pod)
      bench.time.run(for: .seconds(1))
      #expect(bench.driver.times(.mount).count == count)
    }
  }

  @Test("With a dead server 1.20 is stuck until someone unmounts, 1.36 continues")
  func deadServer() {
    for (version, unmounts) in [("1.20", 0), ("1.36", 1)] {
      let bench = NodeBench(version)
      bench.run(pod)
      bench.time.run(for: .seconds(1))
      bench.files.killServer(of: bench.path(pod))
      bench.restart(pod)
      bench.time.run(for: .seconds(5))
      #expect(bench.isReady(pod) == (unmounts == 1))
      bench.end(pod)
      bench.time.run(for: .seconds(5))
      #expect(bench.driver.times(.unmount).count == unmounts)
    }
  }

  @Test("A file in the directory keeps the pod: unmount is called until the file is gone")
  func fileInDirectory() {
    let bench = NodeBench()
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.files.addFile(bench.path(pod) + "/file")
    bench.end(pod)
    bench.time.run(for: .seconds(10))
    #expect(bench.driver.times(.unmount).count == 5)
    bench.files.removeFile(bench.path(pod) + "/file")
    bench.time.run(for: .seconds(60))
    #expect(!bench.files.exists(bench.path(pod)))
  }

  @Test("Unsupported mount options and missing node labels cause an Event, and the driver is not called")
  func checks() {
    let bench = NodeBench()
    var spec = VolumeSpec.persistent("pv", Sample.source)
    spec.mountOptions = ["ro"]
    var other = VolumeSpec.persistent("pv2", Sample.source)
    other.requiredNodeLabels = ["zone": "a"]
    bench.run(Sample.pod(volumes: [spec, other]))
    bench.time.run(for: .seconds(1))
    #expect(bench.driver.commands.isEmpty)
    let messages = Set(bench.events.map(\.message))
    #expect(
      messages == [
        "MountVolume.MountOptionSupport check failed for volume \"pv\" : mount options are not supported for this volume type",
        "MountVolume.NodeAffinity check failed for volume \"pv2\" : no matching NodeSelectorTerms",
      ])
  }

  @Test("The files get the pod's group, unless the volume is read-only")
  func ownership() {
    let bench = NodeBench()
    let readOnly = VolumeSpec.inline("v", FlexSource(driver: "example.org/bind", readOnly: true))
    let first = Sample.pod(group: 2000)
    let second = Sample.pod("ro", uid: "uid-2", group: 2000, volumes: [readOnly])
    bench.run(first)
    bench.run(second)
    bench.time.run(for: .seconds(1))
    #expect(bench.files.ownership(of: bench.path(first)) == VolumeOwnership(group: 2000))
    #expect(bench.files.ownership(of: bench.path(second)) == nil)
  }

  @Test("A grown PV's file system is grown on the node, before its pod starts and while it runs, with an empty device")
  func growth() {
    let bench = NodeBench()
    func pod(_ volume: Int64, _ claim: Int64) -> Pod {
      Sample.pod(volumes: [.persistent("pv", Sample.source, sizes: .init(volume: volume, claim: claim))])
    }
    bench.run(pod(2, 1))
    bench.time.run(for: .seconds(1))
    #expect(bench.driver.commands == [.mount, .expandFileSystem])
    bench.run(pod(3, 2))
    bench.time.run(for: .seconds(1))
    #expect(bench.driver.commands == [.mount, .expandFileSystem, .expandFileSystem])
    #expect(bench.driver.calls.last?.arguments.dropFirst() == ["", bench.path(pod(3, 2)), "3", "2"])
    bench.time.run(for: .seconds(600))
    #expect(bench.driver.commands.count == 3)
  }

  @Test("A grown PV's file system is not grown for a read-only pod; the pod gets one Event and its volume")
  func readOnlyGrowth() {
    let bench = NodeBench()
    let sizes = VolumeSpec.Sizes(volume: 2, claim: 1)
    let pod = Sample.pod(volumes: [.persistent("pv", Sample.source, claimReadOnly: true, sizes: sizes)])
    bench.run(pod)
    bench.time.run(for: .seconds(600))
    #expect(bench.driver.commands == [.mount] && bench.isReady(pod))
    #expect(bench.events.map(\.reason) == ["FileSystemResizeFailed"])
    #expect(
      bench.events.first?.message
        == "MountVolume.NodeExpandVolume failed for volume \"pv\" requested read-only file system")
  }

  @Test("The kubelet attaches and detaches if the controller does not")
  func attachesItself() {
    let time = SimulatedTime()
    let files = SimulatedFiles()
    let driver = SimulatedDriver(time: time, files: files, attach: true)
    let changes = ScriptedChanges()
    changes.add(DriverChange(NodeBench.name, .addedOrUpdated))
    let host = PluginHost(files: files, time: time)
    let prober = FlexProber(directory: "/p", changes: changes, runner: driver, host: host)
    var behaviour = HostBehaviour()
    behaviour.controllerAttaches = false
    let node = NodeVolumes(host: host, manager: PluginManager(probers: [prober]), behaviour: behaviour)
    time.start { await node.reconcile() }
    let pod = pod
    time.perform { await node.run(pod) }
    time.run(for: .seconds(1))
    time.perform { await node.end(pod.uid) }
    time.run(for: .seconds(1))
    #expect(
      driver.commands == [
        .getVolumeName, .attach, .waitForAttach, .mountDevice, .mount, .unmount, .unmountDevice, .detach,
      ])
  }
}
