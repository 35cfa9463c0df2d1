import LinuxSystem
import Testing

/// Simulated nodes have room for 100 GiB each.
@Suite("Which node a claim goes to", .serialized, .cluster)
struct SchedulingTests {
  private static func start(_ claim: ClaimedVolume, size: String, on nodes: [SimulatedNode]) throws {
    try Cluster.apply(
      claim.manifest("elastic-local", size) + "\n---\n" + SimulatedNode.pod(claim.name, on: nodes))
  }

  private static func remove(_ claims: [ClaimedVolume]) throws {
    for claim in claims {
      try Cluster.kubectl(
        "delete", "pod", "-l", "volume=\(claim.name)", "--force", "--grace-period=0", "--wait=false")
      try Cluster.kubectl("delete", "pvc", claim.name, "--ignore-not-found", "--wait=false")
    }
    for claim in claims {
      #expect(
        try eventually(seconds: 300) { try Cluster.kubectl("get", "pvc", claim.name, "--ignore-not-found").isEmpty })
    }
  }

  private static func node(of claim: ClaimedVolume) throws -> String {
    let path = #"jsonpath={.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}"#
    let pv = try claim.pvName
    return pv.isEmpty ? "" : try Cluster.kubectl("get", "pv", pv, "-o", path)
  }

  @Test("a claim goes to the node with room, a full node is left alone, and what fits nowhere is told so")
  func capacity() throws {
    try SimulatedNode.with(["west", "east"]) { nodes in
      let version = try Self.newestVersion()
      for node in nodes {
        #expect(try eventually { try node.versionOfCapacity(for: "elastic-local") == version })
      }
      let filling = ClaimedVolume(name: "filling")
      try Self.start(filling, size: "90Gi", on: [nodes[0]])
      #expect(try eventually { try Self.node(of: filling) == "west" })
      let others = (0..<4).map { ClaimedVolume(name: "other-\($0)") }
      for claim in others { try Self.start(claim, size: "20Gi", on: nodes) }
      for claim in others { #expect(try eventually { try Self.node(of: claim) == "east" }) }
      // The scheduler is told after some seconds.
      #expect(try eventually { try nodes.map { try $0.capacity(for: "elastic-local") } == ["10Gi", "20Gi"] })
      let large = ClaimedVolume(name: "large")
      try Self.start(large, size: "30Gi", on: nodes)
      #expect(try eventually { try large.podEvents.contains("did not have enough free storage") })
      #expect(try large.pvName == "")
      try Self.remove([filling])
      #expect(try eventually(seconds: 360) { try Self.node(of: large) == "west" })
      try Self.remove(others + [large])
    }
  }

  /// The newest version of the storage API in which the server has the objects that tell of room.
  private static func newestVersion() throws -> String {
    let served = try Cluster.kubectl("get", "--raw=/apis/storage.k8s.io")
    let found = try ["v1", "v1beta1", "v1alpha1"].first { version in
      guard served.contains(#""storage.k8s.io/\#(version)""#) else { return false }
      return try Cluster.kubectl("get", "--raw=/apis/storage.k8s.io/\(version)").contains("csistoragecapacities")
    }
    return "storage.k8s.io/" + (found ?? "none")
  }

  @Test("a node that gets another hostname label publishes its room for that one")
  func hostname() throws {
    try SimulatedNode.with(["renamed"]) { nodes in
      #expect(try eventually { try nodes[0].hostnameOfCapacity(for: "elastic-local") == "renamed" })
      try Cluster.kubectl("label", "node", "renamed", "kubernetes.io/hostname=another", "--overwrite")
      try Cluster.lab("stop-part", "own/renamed")
      try Cluster.lab("start-part", "own/renamed")
      #expect(try eventually { try nodes[0].hostnameOfCapacity(for: "elastic-local") == "another" })
    }
  }

  @Test("50 claims at once for room for 20: exactly 20 are bound, the rest say why, and more are when room returns")
  func tooMany() throws {
    try SimulatedNode.with(["narrow"]) { nodes in
      let claims = ManyClaims(name: "too-many", count: 50, size: "5Gi")
      try claims.with("volumeBindingMode: WaitForFirstConsumer") {
        try claims.make()
        try Cluster.apply(
          claims.names.map { SimulatedNode.pod($0, on: nodes) }.joined(separator: "\n---\n"))
        try await20(claims)
        let first = try claims.boundNames
        for name in Set(claims.names).subtracting(first) {
          let claim = ClaimedVolume(name: name)
          let isTold = try eventually { try (claim.events + claim.podEvents).contains("free") }
          #expect(isTold, "\(name) says nothing of room")
        }
        try Self.remove(first.prefix(5).map(ClaimedVolume.init))
        #expect(try eventually(seconds: 360) { try claims.volumes == 20 && Set(claims.boundNames).count == 20 })
        #expect(try Set(claims.boundNames).subtracting(first).count == 5)
        try Cluster.kubectl("delete", "pod", "-l", "volume", "--force", "--grace-period=0", "--wait=false")
      }
    }
  }

  /// Twenty, and no more however long one waits.
  private func await20(_ claims: ManyClaims) throws {
    #expect(try eventually(seconds: 240) { try claims.bound >= 20 })
    ThreadSleep.sleep(.seconds(10))
    #expect(try claims.bound == 20)
    #expect(try claims.volumes == 20)
  }

  @Test("a node that is gone for good: its claims are told, and its PVs go with their claims after the grace time")
  func nodeGone() throws {
    try SimulatedNode.with(["brief"]) { nodes in
      let claims = [ClaimedVolume(name: "kept-claim"), ClaimedVolume(name: "ended-claim")]
      for claim in claims { try Self.start(claim, size: "1Gi", on: nodes) }
      for claim in claims { #expect(try eventually { try Self.node(of: claim) == "brief" }) }
      let pvs = try claims.map { try $0.pvName }
      try nodes[0].vanish()
      try Self.remove([claims[1]])
      #expect(try eventually { try claims[0].events.contains("has left the cluster") })
      #expect(try eventually { try !ClaimedVolume.exists(pvs[1]) })
      #expect(try Cluster.events(of: "PersistentVolume", pvs[1]).contains("the finalizer was lifted: node brief left"))
      #expect(try ClaimedVolume.exists(pvs[0]))
      try Self.remove([claims[0]])
      #expect(try eventually { try !ClaimedVolume.exists(pvs[0]) })
    }
  }
}
