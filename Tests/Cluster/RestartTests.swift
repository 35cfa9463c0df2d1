import LinuxSystem
import Testing

@Suite("Volumes when parts of the node go away", .serialized, .node)
struct RestartTests {
  @Test("kubelet restarts, killed or not: the pod goes on with its volume")
  func kubeletRestart() throws {
    try ClaimedVolume.with("restart") { volume in
      try volume.startPod(Pod(name: "pod"))
      try Cluster.inside("pod", "echo kept >/data/file")
      let container = try containerOfPod()
      for end in ["stop-kubelet", "crash-kubelet"] {
        try Cluster.lab(end)
        try Cluster.lab("start-kubelet")
        try Cluster.awaitReady("pod")
        #expect(try eventually { try kubeletKnows("pod") })
        #expect(try containerOfPod() == container, "the container was started anew after \(end)")
        #expect(try Cluster.inside("pod", "cat /data/file") == "kept\n")
      }
      // A kubelet 1.20 that has just started looks for the claim of each mounted volume, because it might have grown. If
      // pod and claim go in that moment, it forgets the volume and leaves it mounted. That is not what is tested here.
      ThreadSleep.sleep(.seconds(5))
    }
  }

  @Test("a pod deleted by force while kubelet is down: its mounts go when kubelet is back, the data stays")
  func forcedDeletion() throws {
    try ClaimedVolume.with("forced") { volume in
      try volume.startPod(Pod(name: "first"))
      try Cluster.inside("first", "echo kept >/data/file && sync")
      try Cluster.lab("crash-kubelet")
      try Cluster.kubectl("delete", "pod", "first", "--force", "--grace-period=0")
      let mounts = try volume.mounts
      #expect(!mounts.isEmpty)
      try Cluster.lab("start-kubelet")
      #expect(try eventually(seconds: 240) { try volume.mounts.isEmpty })
      try volume.startPod(Pod(name: "second"))
      #expect(try Cluster.inside("second", "cat /data/file") == "kept\n")
    }
  }

  @Test("a container that ends is started again with the same data")
  func containerRestart() throws {
    try ClaimedVolume.with("container") { volume in
      try volume.startPod(Pod(name: "pod", script: "echo run >>/data/runs; until [ -e /end ]; do sleep 1; done"))
      let container = try containerOfPod()
      try Cluster.inside("pod", "touch /end")
      #expect(try eventually { try containerOfPod() != container })
      try Cluster.awaitReady("pod")
      #expect(try Cluster.inside("pod", "cat /data/runs") == "run\nrun\n")
    }
  }

  @Test("the daemon is killed while a pod writes: no write fails, and a pod made meanwhile runs when it is back")
  func daemonKilled() throws {
    try ClaimedVolume.with("daemon") { volume in
      let writing = "while date >>/data/log && sync /data/log; do usleep 10000; done; touch /failed; sleep 100000"
      try volume.startPod(Pod(name: "writer", script: writing))
      #expect(try eventually { try linesWritten() > 10 })
      try Product.crashDaemon()
      let before = try linesWritten()
      try Cluster.apply(Pod(name: "late").manifest(claim: volume.name))
      #expect(try eventually { try linesWritten() > before + 10 })
      try Cluster.awaitReady("late", seconds: 300)
      let after = try linesWritten()
      #expect(try eventually { try linesWritten() > after + 10 })
      #expect(try Cluster.inside("writer", "ls /").contains("failed") == false)
    }
  }

  private func linesWritten() throws -> Int {
    Int(try Cluster.inside("writer", "wc -l </data/log").filter(\.isNumber)) ?? 0
  }

  /// Whether kubelet has read of the pod since it was started. Until then it refuses to run anything in it (seen with 1.36.2).
  private func kubeletKnows(_ pod: String) throws -> Bool {
    do {
      try Cluster.inside(pod, "true")
      return true
    } catch let trouble as Trouble where trouble.description.contains("pod does not exist") {
      return false
    }
  }

  private func containerOfPod() throws -> String {
    try Cluster.kubectl("get", "pod", "pod", "-o", "jsonpath={.status.containerStatuses[0].containerID}")
  }
}
