import LinuxSystem
import Testing

@Suite("Volumes under a real kubelet", .serialized, .node)
struct LifeTests {
  /// A class of volumes with that file system.
  private static func storageClass(_ fileSystem: String) throws -> String {
    let name = "of-\(fileSystem)"
    try Cluster.apply(
      Cluster.storageClass(name, "volumeBindingMode: WaitForFirstConsumer\nparameters: {fsType: \(fileSystem)}"))
    return name
  }

  @Test("a pod runs with its volume, and the data survives it", arguments: ["ext4", "xfs", "btrfs"])
  func survivesPod(fileSystem: String) throws {
    try ClaimedVolume.with("life-\(fileSystem)", storageClass: try Self.storageClass(fileSystem)) { volume in
      try survivesItsPod(fileSystem, volume.startPod)
    }
  }

  private func survivesItsPod(_ fileSystem: String, _ start: (Pod) throws -> Void) throws {
    try start(Pod(name: "first"))
    #expect(try Cluster.inside("first", "grep ' /data ' /proc/mounts").contains(" \(fileSystem) rw"))
    try Cluster.inside("first", "echo kept >/data/file && sync")
    try Cluster.kubectl("delete", "pod", "first")
    try start(Pod(name: "second"))
    #expect(try Cluster.inside("second", "cat /data/file") == "kept\n")
  }

  @Test("a PV that was made by hand gets its volume with its first pod, and the data survives that pod")
  func madeByHand() throws {
    try BoundVolume.with("by-hand") { volume in try survivesItsPod("ext4", volume.startPod) }
  }

  @Test("a pod's own claim, made and removed with it: a generic ephemeral volume")
  func ephemeral() throws {
    let request = "resources: {requests: {storage: 320Mi}}"
    let spec = "{accessModes: [ReadWriteOnce], storageClassName: elastic-local, \(request)}"
    try Cluster.apply(
      Pod(name: "brief").manifest(volume: "ephemeral: {volumeClaimTemplate: {spec: \(spec)}}", label: "brief"))
    try Cluster.awaitReady("brief")
    let claim = ClaimedVolume(name: "brief-data")
    let pv = try claim.pvName
    #expect(try Cluster.inside("brief", "grep ' /data ' /proc/mounts").contains(" ext4 rw"))
    #expect(try ClaimedVolume.hasStorage(pv))
    try Cluster.kubectl("delete", "pod", "brief")
    #expect(try eventually(seconds: 300) { try !ClaimedVolume.exists(pv) })
    #expect(try !ClaimedVolume.hasStorage(pv))
  }

  @Test("two pods share a volume, one of them read-only")
  func twoPods() throws {
    try ClaimedVolume.with("two") { volume in
      try volume.startPod(Pod(name: "writer"))
      try volume.startPod(Pod(name: "reader", mount: "readOnly: true"))
      try Cluster.inside("writer", "echo shared >/data/file")
      #expect(try Cluster.inside("reader", "cat /data/file") == "shared\n")
      #expect(try Cluster.inside("reader", "touch /data/other 2>&1 || echo refused").contains("Read-only file system"))
      try Cluster.kubectl("delete", "pod", "writer")
      #expect(try Cluster.inside("reader", "cat /data/file") == "shared\n")
    }
  }

  @Test("fsGroup: Always changes what is there, OnRootMismatch leaves it when the root is right")
  func ownership() throws {
    try ClaimedVolume.with("group") { volume in
      let group = { (policy: String) in "{fsGroup: 2000, fsGroupChangePolicy: \(policy)}" }
      try volume.startPod(Pod(name: "first", securityContext: group("Always")))
      #expect(try Cluster.inside("first", "stat -c '%g %A' /data") == "2000 drwxrwsr-x\n")
      try Cluster.inside("first", "touch /data/file && chgrp 0 /data/file")
      try Cluster.kubectl("delete", "pod", "first")
      try volume.startPod(Pod(name: "second", securityContext: group("OnRootMismatch")))
      #expect(try Cluster.inside("second", "stat -c %g /data/file") == "0\n")
      try Cluster.kubectl("delete", "pod", "second")
      try volume.startPod(Pod(name: "third", securityContext: group("Always")))
      #expect(try Cluster.inside("third", "stat -c %g /data/file") == "2000\n")
    }
  }

  @Test("subPath, subPathExpr and a read-only subPath show their part of the volume")
  func parts() throws {
    try ClaimedVolume.with("parts") { volume in
      try volume.startPod(Pod(name: "whole"))
      try volume.startPod(Pod(name: "part", mount: "subPath: a/b"))
      try volume.startPod(Pod(name: "named", mount: "subPathExpr: of/$(POD_NAME)"))
      try Cluster.inside("part", "echo 1 >/data/file")
      try Cluster.inside("named", "echo 2 >/data/file")
      #expect(try Cluster.inside("whole", "cat /data/a/b/file /data/of/named/file") == "1\n2\n")
      try volume.startPod(Pod(name: "looker", mount: "subPath: a/b, readOnly: true"))
      #expect(try Cluster.inside("looker", "cat /data/file; touch /data/x 2>&1 || :").contains("Read-only file system"))
    }
  }

  @Test("a claim that grows makes the mounted xfs grow")
  func growthOfXFS() throws { try grow("xfs") }

  @Test("a claim that grows makes the mounted ext4 grow", .needsSystemResources)
  func growthOfExt4() throws { try grow("ext4") }

  private func grow(_ fileSystem: String) throws {
    try ClaimedVolume.with("grow-\(fileSystem)", storageClass: try Self.storageClass(fileSystem)) { volume in
      try volume.startPod(Pod(name: "pod"))
      try Cluster.inside("pod", "echo kept >/data/file")
      let before = try sizeInMiB()
      #expect((200...320).contains(before))
      try Cluster.kubectl(
        "patch", "pvc", volume.name, "--patch", #"{"spec": {"resources": {"requests": {"storage": "640Mi"}}}}"#)
      #expect(try eventually(seconds: 240) { try sizeInMiB() > before + 250 })
      #expect(
        try eventually {
          try Cluster.kubectl("get", "pvc", volume.name, "-o", "jsonpath={.status.capacity.storage}") == "640Mi"
        })
      #expect(try Cluster.inside("pod", "cat /data/file") == "kept\n")
    }
  }

  private func sizeInMiB() throws -> Int {
    let line = try Cluster.inside("pod", "df -mP /data | tail -n 1")
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
