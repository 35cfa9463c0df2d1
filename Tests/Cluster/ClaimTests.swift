import LinuxSystem
import Testing

@Suite("Claims of our storage class", .serialized, .cluster)
struct ClaimTests {
  @Test(
    "what is not supported is refused with an Event that says what to use instead",
    arguments: [
      ("mode", "volumeMode: Block", "use volumeMode: Filesystem"),
      ("selector", "selector: {matchLabels: {a: b}}", "remove the selector"),
    ])
  func refused(name: String, line: String, advice: String) throws {
    let claim = ClaimedVolume(name: "refused-\(name)")
    try Cluster.apply(claim.manifest("early-refusal", "64Mi") + "\n  \(line)")
    try Cluster.apply(Cluster.storageClass("early-refusal", "volumeBindingMode: Immediate"))
    #expect(try eventually { try claim.events.contains(advice) })
    try claim.remove()
  }

  @Test("an unknown parameter of the class is refused with the known ones")
  func unknownParameter() throws {
    try Cluster.apply(Cluster.storageClass("misspelt", "volumeBindingMode: Immediate\nparameters: {fsTyp: xfs}"))
    let claim = ClaimedVolume(name: "misspelt")
    try Cluster.apply(claim.manifest("misspelt", "64Mi"))
    #expect(try eventually { try claim.events.contains("fsType, mkfsOptions, mountOptions, volumeGroup, thin") })
    try claim.remove()
  }

  @Test("a claim that is deleted while it is provisioned leaves neither PV nor volume", arguments: 0..<4)
  func deletedMeanwhile(number: Int) throws {
    try Cluster.apply(Cluster.storageClass("early", "volumeBindingMode: Immediate"))
    let before = try Cluster.kubectl("get", "pv", "-o", "name")
    let claim = ClaimedVolume(name: "brief-\(number)")
    try Cluster.apply(claim.manifest("early", "64Mi"))
    ThreadSleep.sleep(.milliseconds(Int64(number) * 15))
    try Cluster.kubectl("delete", "pvc", claim.name, "--wait=false")
    #expect(try eventually { try Cluster.kubectl("get", "pvc", claim.name, "--ignore-not-found").isEmpty })
    #expect(try eventually { try Cluster.kubectl("get", "pv", "-o", "name") == before })
  }
}
