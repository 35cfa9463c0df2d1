import LinuxSystem
import Testing

@Suite("Many claims at once", .serialized, .cluster)
struct ManyClaimsTests {
  @Test("the provisioner that leads is killed amid 100 claims: no duplicate, none forgotten")
  func leaderKilled() throws {
    let claims = ManyClaims(name: "killed", count: 100, size: "8Mi")
    try claims.with("volumeBindingMode: Immediate") {
      try claims.make()
      #expect(try eventually { try claims.bound > 0 })
      try Product.crashLeader()
      #expect(try eventually(seconds: 120) { try claims.bound == 100 })
      #expect(try claims.volumes == 100)
    }
  }

  @Test(
    "an API server that is away for a minute amid 100 claims and mounts loses none of them, and what is mounted goes on",
    .node)
  func serverAway() throws {
    let claims = ManyClaims(name: "away", count: 100, size: "8Mi")
    try claims.with("volumeBindingMode: Immediate") {
      try ClaimedVolume.with("writing") { writing in
        let loop = "while date >>/data/log && sync /data/log; do usleep 20000; done; touch /failed; sleep 100000"
        try writing.startPod(Pod(name: "writer", script: loop))
        try claims.make()
        let mounted = (0..<5).map { ClaimedVolume(name: "mounted-\($0)") }
        for volume in mounted {
          try Cluster.apply(
            volume.manifest("elastic-local", "64Mi") + "\n---\n" + Pod(name: volume.name).manifest(claim: volume.name))
        }
        try Cluster.lab("stop-part", "apiserver")
        ThreadSleep.sleep(.seconds(60))
        try Cluster.lab("start-part", "apiserver")
        #expect(try eventually(seconds: 180) { (try? claims.bound) == 100 })
        #expect(try claims.volumes == 100)
        for volume in mounted {
          try Cluster.awaitReady(volume.name, seconds: 120)
          try Cluster.inside(volume.name, "echo mine >/data/file && sync")
        }
        #expect(try Cluster.inside("writer", "ls /").contains("failed") == false)
        for volume in mounted { try volume.remove() }
      }
    }
  }
}
