import LinuxSystem
import StorageModel
import VolumeHost

/// The life of a volume, told by the life of its pods.
struct Scenario {
  let node: DemoNode
  /// Whether the power can be cut. The scenario then has two boots.
  let isOwnKernel: Bool
  let driver: DriverName
  let runner: PrintingRunner

  static let volume = "pvc-7f6b2f0e-5d0c-4f3e-9d36-6a2b7c1f0a11"
  static let gibibyte: Int64 = 1 << 30

  init(node: DemoNode, isOwnKernel: Bool) throws {
    guard let driver = DriverName("volumes.k8s.elastic.co/elastic-local") else { throw DemoFailure("a driver's name") }
    self.node = node
    self.isOwnKernel = isOwnKernel
    self.driver = driver
    runner = PrintingRunner(
      environment: ["ELASTIC_LOCAL_SOCKET": node.socket],
      names: [
        ("/volumes/\(driver.directory)/\(Self.volume)", "/…/VOLUME"), (Self.volume, "VOLUME"),
        (node.kubeletRoot, "KUBELET"),
      ])
  }

  var paths: HostPaths { HostPaths(root: node.kubeletRoot) }
  var data: PodData { PodData(node: node) }

  /// Returns a pod whose claim is bound to the PV. While the volume is to grow, the claim still has the old size.
  func pod(_ name: String, uid: String, readOnly: Bool = false, gibibytes: Int64 = 1, claim: Int64? = nil) -> Pod {
    let source = FlexSource(
      driver: driver.description, fsType: "ext4", options: ["sizeBytes": "\(Self.gibibyte)"])
    let sizes = VolumeSpec.Sizes(
      volume: gibibytes * Self.gibibyte, claim: (claim ?? gibibytes) * Self.gibibyte)
    return Pod(
      name: name, uid: uid,
      volumes: [.persistent(Self.volume, source, claimReadOnly: readOnly, sizes: sizes)])
  }

  func directory(_ pod: Pod) -> String { paths.volume(Self.volume, ofPod: pod.uid, driver: driver) }

  func startKubelet(_ pods: [Pod] = []) async -> DemoKubelet {
    await DemoKubelet(root: node.kubeletRoot, plugins: node.plugins, runner: runner, pods: pods)
  }

  /// Ends the demo unless the pod sees a file system of at least that size.
  func requireSize(_ pod: Pod, atLeast mebibytes: UInt64) throws {
    let size = try Files.space(at: directory(pod)).capacity.bytes >> 20
    StepPrinter.print("the pod sees \(size) MiB")
    try require(size >= mebibytes, "that is too little: at least \(mebibytes) were expected")
  }

  func requireMounts(_ count: Int, _ pod: Pod) throws {
    let found = try MountTable.current().at(directory(pod)).count
    try require(found == count, "\(found) mounts at \(directory(pod)), expected were \(count)")
  }

  // The pods of the scenario. The database is one deployment: it gets a new pod each time.
  var first: Pod { pod("db-0", uid: "0d9c6f52-2f35-4a1c-8a55-3f1b8a5d7e21") }
  var second: Pod { pod("db-1", uid: "8e41b6a7-90c4-4d0e-b7a3-5f5c2f0d6b32") }
  var reader: Pod { pod("reader", uid: "c2f0a3d4-1b57-4e0a-9b0e-2d6f4a7c9e13", readOnly: true) }
  var latecomer: Pod { pod("late", uid: "5be1d2c8-6a90-47f3-8c1d-9e7b3f5a2d44", gibibytes: 2) }
  var grown: Pod { pod("db-1", uid: second.uid, gibibytes: 2) }
}
