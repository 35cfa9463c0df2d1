import LinuxSystem
import Testing

@Suite("The scheduler and the room on nodes", .serialized, .cluster)
struct CapacityTests {
  private let storageClass = "elastic-local"
  /// Events outlive their objects: the names are of this run alone.
  private let prefix = "fits-\(OwnProcess.processID)"

  @Test("claims go to the node that has room, and one that fits nowhere waits with the scheduler's word for it")
  func roomDecides() throws {
    let narrow = SimulatedNode(name: "narrow", mebibytes: 256)
    let roomy = SimulatedNode(name: "roomy", mebibytes: 2048)
    try SimulatedNode.with([narrow, roomy]) {
      #expect(try eventually { try !narrow.room(for: storageClass).isEmpty })
      #expect(try eventually { try !roomy.room(for: storageClass).isEmpty })
      let version = try newestVersion()
      #expect(try narrow.version(for: storageClass) == version)
      let room = try roomy.room(for: storageClass)
      try threeFit(on: roomy)
      try oneFitsNowhere()
      #expect(try eventually { try roomy.room(for: storageClass) == room }, "room that is not given back")
    }
  }

  private func threeFit(on node: SimulatedNode) throws {
    let claims = (0..<3).map { ClaimedVolume(name: "\(prefix)-\($0)") }
    for claim in claims { try begin(claim, "512Mi") }
    for claim in claims {
      try expect(claim) { try host(of: claim) == node.name }
      let volume = try claim.pvName
      #expect(
        try Cluster.kubectl("get", "pv", volume, "--output=jsonpath={.spec.nodeAffinity}").contains(#""\#(node.name)""#)
      )
      // The other node would have been the scheduler's choice at times, had it not known.
      #expect(try !claim.events.contains("the scheduler is asked for another node"))
    }
    for claim in claims { try claim.remove() }
  }

  private func oneFitsNowhere() throws {
    let claim = ClaimedVolume(name: "\(prefix)-nowhere")
    try begin(claim, "4Gi")
    try expect(claim) { try claim.events.contains("did not have enough free storage") }
    #expect(try host(of: claim) == "")
    #expect(try claim.pvName == "")
    try claim.remove()
  }

  /// Makes the claim, and a pod of the same name that wants it on a simulated node.
  private func begin(_ claim: ClaimedVolume, _ size: String) throws {
    try Cluster.apply(claim.manifest(storageClass, size))
    try Cluster.apply(Pod(name: claim.name, nodeSelector: SimulatedNode.selector).manifest(claim: claim.name))
  }

  private func host(of claim: ClaimedVolume) throws -> String {
    try Cluster.kubectl("get", "pod", claim.name, "--output=jsonpath={.spec.nodeName}")
  }

  /// Waits for what is to become true; else the cluster's word on claim and pod is in the report.
  private func expect(
    _ claim: ClaimedVolume, at location: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
  ) throws {
    let isTrue = try eventually(condition)
    let description = isTrue ? "" : try Cluster.kubectl("describe", "pod,pvc", claim.name)
    #expect(isTrue, "\(description)", sourceLocation: location)
  }

  /// The newest version of the storage API in which the server has the objects that tell of room.
  private func newestVersion() throws -> String {
    let served = try Cluster.kubectl("get", "--raw=/apis/storage.k8s.io")
    let found = try ["v1", "v1beta1", "v1alpha1"].first { version in
      guard served.contains(#""storage.k8s.io/\#(version)""#) else { return false }
      return try Cluster.kubectl("get", "--raw=/apis/storage.k8s.io/\(version)").contains("csistoragecapacities")
    }
    return "storage.k8s.io/" + (found ?? "none")
  }
}
