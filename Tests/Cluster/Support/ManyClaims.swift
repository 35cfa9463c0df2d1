import Testing

/// Claims of a storage class of their own, made at once.
struct ManyClaims {
  let name: String
  let count: Int
  let size: String

  /// Makes the class, runs the body, and removes all claims: no PV may be left then.
  func with(_ more: String, _ body: () throws -> Void) throws {
    try Cluster.apply(Cluster.storageClass(name, more))
    let result = Result { try body() }
    try Cluster.kubectl("delete", "pvc", "-l", "many=\(name)", "--wait=false")
    let areGone = try eventually(seconds: 360) { try volumes == 0 }
    let left = try volumes
    #expect(areGone, "\(left) PVs are left")
    try Cluster.kubectl("delete", "storageclass", name)
    try result.get()
  }

  func make() throws { try Cluster.apply(names.map(manifest).joined(separator: "\n---\n")) }

  /// Makes them with a pod each, which waits for its claim and goes to one of the nodes.
  func make(on nodes: [SimulatedNode]) throws {
    let pods = names.map { SimulatedNode.pod($0, on: nodes) }
    try Cluster.apply((names.map(manifest) + pods).joined(separator: "\n---\n"))
  }

  func removePods() throws {
    let selection = "volume in (\(names.joined(separator: ",")))"
    try Cluster.kubectl("delete", "pod", "-l", selection, "--force", "--grace-period=0", "--wait=false")
  }

  var names: [String] { (0..<count).map { "\(name)-\($0)" } }

  private func manifest(_ claim: String) -> String {
    ClaimedVolume(name: claim).manifest(name, size)
      .replacing("labels: {volume: \(claim)}", with: "labels: {many: \(name), volume: \(claim)}")
  }

  /// The claims that are bound.
  var boundNames: [String] {
    get throws {
      let lines = try Cluster.kubectl(
        "get", "pvc", "-l", "many=\(name)", "-o",
        #"jsonpath={range .items[?(@.status.phase=="Bound")]}{.metadata.name}{"\n"}{end}"#)
      return lines.split(separator: "\n").map(String.init)
    }
  }

  var bound: Int { get throws { try boundNames.count } }

  /// How many PVs of the class there are.
  var volumes: Int { get throws { try volumeNames.count } }

  var volumeNames: [String] {
    get throws {
      let path = #"jsonpath={range .items[*]}{.spec.storageClassName}{" "}{.metadata.name}{"\n"}{end}"#
      return try Cluster.kubectl("get", "pv", "-o", path).split(separator: "\n").map { $0.split(separator: " ") }
        .filter { $0[0] == name }.map { String($0[1]) }
    }
  }
}
