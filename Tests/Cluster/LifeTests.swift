import LinuxSystem
import Testing

@Suite("Volumes under a real kubelet", .serialized, .cluster)
struct LifeTests {
  @Test("a pod runs with its volume, and the data survives it", arguments: ["ext4", "xfs", "btrfs"])
  func survivesPod(fileSystem: String) throws {
    try BoundVolume.with("pv-life-\(fileSystem)", fileSystem: fileSystem) { volume in
      try volume.startPod(Pod(name: "first"))
      #expect(try Cluster.inside("first", "grep ' /data ' /proc/mounts").contains(" \(fileSystem) rw"))
      try Cluster.inside("first", "echo kept >/data/file && sync")
      try Cluster.kubectl("delete", "pod", "first")
      try volume.startPod(Pod(name: "second"))
      #expect(try Cluster.inside("second", "cat /data/file") == "kept\n")
    }
  }

  @Test("two pods share a volume, one of them read-only")
  func twoPods() throws {
    try BoundVolume.with("pv-two") { volume in
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
    try BoundVolume.with("pv-group") { volume in
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
    try BoundVolume.with("pv-parts") { volume in
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
    try BoundVolume.with("pv-grow-\(fileSystem)", fileSystem: fileSystem) { volume in
      try volume.startPod(Pod(name: "pod"))
      try Cluster.inside("pod", "echo kept >/data/file")
      let before = try sizeInMiB()
      #expect((200...320).contains(before))
      try Cluster.kubectl(
        "patch", "pvc", volume.name, "--patch", #"{"spec": {"resources": {"requests": {"storage": "640Mi"}}}}"#)
      #expect(try eventually(seconds: 120) { try sizeInMiB() > before + 250 })
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
