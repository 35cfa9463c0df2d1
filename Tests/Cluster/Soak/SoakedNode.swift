import LinuxSystem
import Testing

/// A node with the daemon, LVM and a provisioner, and what a round of its life does to it.
final class SoakedNode {
  private static let name = "n0"
  private static let group = "elastic-local-vg"
  private static let claims = 4
  /// Mounts and unmounts of each volume in a round.
  private static let loops = OwnProcess.environment["LOOPS"].flatMap { Int($0) } ?? 15

  private let daemon: ProductProcess
  private let directory: String
  private var (mounts, daemons, servers, claimed) = (0, 1, 1, 0)
  private let began = MonotonicClock.now()

  init() throws {
    let disks = try #require(OwnProcess.environment["LAB_DISKS"], "needs a disk: lab/test soak gives one")
    try Cluster.shell("'\(Cluster.project)/lab/volume-group' \(Self.group) \(disks.split(separator: " ")[0])")
    for object in ["namespace", "storage-class", "csi-driver", "node-storage-crd", "node-rbac", "provisioner-rbac"] {
      try Manifests.apply("daemonset/base/\(object).yaml")
    }
    try Cluster.lab("add-simulated-node", Self.name)
    directory = try Cluster.path(Self.name)
    daemon = try ProductProcess.daemon(of: Self.name, engine: "lvm")
    try daemon.start()
    let provisioner = try ProductProcess.provisioner()
    try provisioner.start()
    try provisioner.awaitMetric("elastic_local_provisioner_synced 1")
  }

  var summary: String {
    let seconds = (MonotonicClock.now() - began).components.seconds
    return
      "in \(seconds) s: \(claimed) claims, \(mounts) mounts and unmounts, \(daemons) daemons, \(servers) API servers; "
      + "resident in KiB"
  }

  /// Claims, their volumes in use, a disturbance in the middle, and everything gone.
  func live(_ round: Int, of rounds: Int) throws {
    let claims = ManyClaims(name: "soak-\(round)", count: Self.claims, size: "64Mi")
    try claims.with("volumeBindingMode: WaitForFirstConsumer") {
      try claims.make(on: [SimulatedNode(name: Self.name)])
      #expect(try eventually { try volumesMade == Self.claims }, "not every volume was made")
      let volumes = try claims.volumeNames
      for loop in 1...Self.loops {
        for volume in volumes { try use(volume, loop) }
        if loop == Self.loops / 2 { try disturb(round, of: rounds) }
      }
      try claims.removePods()
    }
    claimed += Self.claims
    #expect(try eventually { try logicalVolumes == 0 }, "volumes are left")
  }

  private var volumesMade: Int {
    get throws {
      let path = #"jsonpath={range .items[*]}{.metadata.annotations.volumes\.k8s\.elastic\.co/instance}{"\n"}{end}"#
      return try Cluster.kubectl("get", "pv", "-o", path).split(separator: "\n").count
    }
  }

  private var logicalVolumes: Int { get throws { try count("lvs --noheadings") } }

  // MARK: What kubelet does

  /// What is there is what was written in the round's first loop.
  private func use(_ volume: String, _ loop: Int) throws {
    let place = "\(directory)/kubelet/pods/00000000-0000-4000-8000-000000000000/volumes"
    let target = "\(place)/volumes.k8s.elastic.co~elastic-local/\(volume)"
    try Files.makeDirectories(target, mode: 0o750)
    try call(
      "mount", target,
      #"{"kubernetes.io/fsType":"ext4","kubernetes.io/pvOrVolumeName":"\#(volume)","kubernetes.io/readwrite":"rw","sizeBytes":"67108864"}"#
    )
    if loop == 1 { try Files.writeDurably(Array(volume.utf8), to: "\(target)/name", mode: 0o600) }
    let found = try Files.readText("\(target)/name")
    try #require(found == volume, "the volume holds what was written to another")
    try call("unmount", target)
    if try Files.kind(of: target) != nil { try Files.removeDirectory(target) }
    mounts += 1
  }

  private func call(_ words: String...) throws {
    let result = try ChildProcess.run(
      "\(Cluster.products)/elastic-local", words,
      environment: ChildProcess.minimalEnvironment + ["ELASTIC_LOCAL_SOCKET=\(directory)/socket"],
      deadline: .seconds(400))
    try #require(result.output.contains(#""Success""#), "\(words): \(result.output)")
  }

  // MARK: Disturbances

  /// In the second half of the rounds one daemon lives through all, to see what becomes of its memory. It is stopped in order
  /// in even rounds and killed in odd ones.
  private func disturb(_ round: Int, of rounds: Int) throws {
    if (1...max(1, rounds / 2)).contains(round) {
      if round.isMultiple(of: 2) { try daemon.stop() } else { try daemon.crash() }
      try daemon.startAgain()
      daemons += 1
    }
    guard round % 3 == 1 else { return }
    try Cluster.lab("crash-part", "apiserver")
    try Cluster.lab("start-part", "apiserver")
    servers += 1
  }

  // MARK: What there is

  func census() throws -> Census {
    // Free memory goes back to the system every few seconds.
    ThreadSleep.sleep(.seconds(8))
    let process = try daemon.processID
    var census = Census()
    census[.descriptors] = try Files.list("/proc/\(process)/fd").count
    census[.threads] = try Files.list("/proc/\(process)/task").count
    census[.children] = try count("cat /proc/[0-9]*/status 2>/dev/null | grep -x 'PPid:.\(process)'")
    census[.resident] = try resident(process)
    census[.mounts] = try MountTable.current().entries.count
    census[.volumes] = try logicalVolumes
    census[.devices] = try count("dmsetup ls | grep -v '^No devices'")
    census[.loops] = try count("find /sys/block/loop*/loop -maxdepth 0 2>/dev/null")
    census[.files] = try count("find '\(directory)/state' -type f")
    census[.persistentVolumes] = try Cluster.kubectl("get", "pv", "-o", "name").split(separator: "\n").count
    return census
  }

  private func resident(_ process: Int32) throws -> Int {
    let line = try Files.readText("/proc/\(process)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return try #require(line.flatMap { Int($0.filter(\.isNumber)) })
  }

  /// Lines of a command's output; a command that finds nothing may fail.
  private func count(_ command: String) throws -> Int {
    try Cluster.shell("{ \(command) || true; } | wc -l").split(separator: "\n").first.flatMap {
      Int($0.filter(\.isNumber))
    } ?? 0
  }
}
