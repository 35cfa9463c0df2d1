import LinuxSystem
import Testing

@Suite("The installation", .serialized, .node)
struct InstallationTests {
  @Test("the daemon's image is replaced while a pod writes: no write fails, no mount is lost, new pods start")
  func update() throws {
    try ClaimedVolume.with("updated") { volume in
      let loop = "while date >>/data/log && sync /data/log; do usleep 10000; done; touch /failed; sleep 100000"
      try volume.startPod(Pod(name: "writer", script: loop))
      let before = try volume.mounts
      let daemon = try Product.pods("node")
      try Cluster.kubectl(
        "set", "image", "--namespace", Product.namespace, "daemonset/elastic-local-node",
        "node=localhost/elastic-local:next", "flex-install=localhost/elastic-local:next")
      try Cluster.kubectl(
        "rollout", "status", "--namespace", Product.namespace, "daemonset/elastic-local-node", "--timeout=300s")
      #expect(try Set(Product.pods("node")).isDisjoint(with: daemon), "the daemon was not replaced")
      #expect(try Set(volume.mounts).isSuperset(of: before))
      let lines = try linesWritten()
      #expect(try eventually { try linesWritten() > lines + 10 })
      #expect(try Cluster.inside("writer", "ls /").contains("failed") == false)
      try volume.startPod(Pod(name: "late"))
      #expect(try Cluster.inside("late", "wc -l </data/log").isEmpty == false)
    }
  }

  private func linesWritten() throws -> Int {
    Int(try Cluster.inside("writer", "wc -l </data/log").filter(\.isNumber)) ?? 0
  }
}
