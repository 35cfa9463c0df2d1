import LinuxSystem
import Testing

@Suite("Many claims at once", .serialized, .cluster)
struct ManyClaimsTests {
  private static func claims(_ count: Int, _ prefix: String, size: String) -> String {
    (0..<count).map { ClaimedVolume(name: "\(prefix)-\($0)").manifest("many", size) }.joined(separator: "\n---\n")
      .replacing("labels: {volume: \(prefix)", with: "labels: {many: \(prefix), volume: \(prefix)")
  }

  private static func bound(_ prefix: String) throws -> Int {
    let phases = try Cluster.kubectl("get", "pvc", "-l", "many=\(prefix)", "-o", "jsonpath={.items[*].status.phase}")
    return phases.split(separator: " ").count { $0 == "Bound" }
  }

  private static func makeClass() throws {
    try Cluster.apply(
      """
      apiVersion: storage.k8s.io/v1
      kind: StorageClass
      metadata: {name: many}
      provisioner: elastic-local.volumes.k8s.elastic.co
      volumeBindingMode: Immediate
      """)
  }

  private static func remove(_ prefix: String) throws {
    try Cluster.kubectl("delete", "pvc", "-l", "many=\(prefix)", "--wait=false")
    #expect(
      try eventually(seconds: 120) {
        try Cluster.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.storageClassName}").contains("many") == false
      })
  }

  @Test("a provisioner that is killed amid 100 claims is followed by another: no duplicate, none forgotten")
  func provisionerKilled() throws {
    try Self.makeClass()
    try Cluster.apply(Self.claims(100, "killed", size: "8Mi"))
    try Cluster.lab("crash-part", "own/provisioner")
    try Cluster.lab("start-part", "own/provisioner")
    #expect(try eventually(seconds: 120) { try Self.bound("killed") == 100 })
    let count = try Cluster.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.storageClassName}")
    #expect(count.split(separator: " ").count { $0 == "many" } == 100)
    try Self.remove("killed")
  }

  @Test(
    "an API server that is away amid 100 claims loses none of them, and pods with bound volumes start meanwhile or after"
  )
  func serverAway() throws {
    try Self.makeClass()
    try Cluster.apply(Self.claims(100, "away", size: "8Mi"))
    try Cluster.lab("stop-part", "apiserver")
    ThreadSleep.sleep(.seconds(20))
    try Cluster.lab("start-part", "apiserver")
    #expect(try eventually(seconds: 180) { (try? Self.bound("away")) == 100 })
    let count = try Cluster.kubectl("get", "pv", "-o", "jsonpath={.items[*].spec.storageClassName}")
    #expect(count.split(separator: " ").count { $0 == "many" } == 100)
    try Self.remove("away")
  }
}
