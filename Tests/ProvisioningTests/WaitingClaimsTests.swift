import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Provisioning

@Suite("Claims that wait for free space")
struct WaitingClaimsTests {
  /// A claim of a class that binds late, as Kubernetes leaves it until a pod uses it.
  private static func waiting(_ name: String, gibibytes: Int64) -> PersistentVolumeClaim {
    var claim = Samples.claim(name, gibibytes: gibibytes, node: nil)
    claim.metadata.annotations = [:]
    return claim
  }

  private static func becomes(
    _ bench: ProvisionerBench, withoutRoom count: Int, at location: SourceLocation = #_sourceLocation
  ) async throws {
    for _ in 0..<4000 {
      if await bench.provisioner.snapshot.claimsWithoutSpace == count { return }
      try await Task.sleep(for: .milliseconds(5))
    }
    let found = await bench.provisioner.snapshot.claimsWithoutSpace
    Issue.record("\(found) claims without free space, not \(count)", sourceLocation: location)
  }

  @Test(
    "a claim that waits for its first pod and fits nowhere is counted, and its Event has the largest free space; one that fits, or fits again, is not counted"
  )
  func firstConsumer() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 3)
    bench.addNode("b", gibibytes: 5)
    bench.addClass()
    try await bench.run {
      bench.cluster.add(Self.waiting("fits", gibibytes: 5))
      bench.cluster.add(Self.waiting("large", gibibytes: 6))
      try await Self.becomes(bench, withoutRoom: 1)
      await bench.eventually("told") { !$0.events.isEmpty }
      #expect(
        bench.cluster.look { $0.events.map { "\($0.involvedObject.name): \($0.message)" } } == [
          "large: no node has 6 GiB free; the largest free space is 5 GiB, on node host-b"
        ])
      bench.cluster.say(storage("b", gibibytes: 6))
      try await Self.becomes(bench, withoutRoom: 0)
      // Another claim takes the space.
      bench.cluster.add(Samples.claim("other", node: "b"))
      try await Self.becomes(bench, withoutRoom: 1)
      bench.cluster.removeClaim(ObjectKey(namespace: "default", name: "large"))
      try await Self.becomes(bench, withoutRoom: 0)
    }
    #expect(bench.cluster.look { $0.creations.count } == 1)
  }

  @Test("free space on nodes that the class does not allow does not count")
  func topologies() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 3)
    bench.addNode("b", gibibytes: 50)
    var storageClass = Samples.storageClass()
    storageClass.allowedTopologies = [
      .init(expressions: [.init(key: ClusterNames.hostnameLabel, values: ["host-a"])])
    ]
    bench.addClass(storageClass)
    try await bench.run {
      bench.cluster.add(Self.waiting("large", gibibytes: 6))
      await bench.eventually("told") {
        $0.events.contains { $0.message.contains("the largest free space is 3 GiB, on node host-a") }
      }
    }
  }

  @Test("a claim whose class is not ours is not counted until the class is created")
  func lateClass() async throws {
    let bench = ProvisionerBench()
    bench.addNode("a", gibibytes: 3)
    try await bench.run {
      bench.cluster.add(Self.waiting("large", gibibytes: 6))
      bench.cluster.add(Samples.claim("small", node: "a"))
      await bench.eventually("looked at") { !$0.events.isEmpty }
      #expect(await bench.provisioner.snapshot.claimsWithoutSpace == 0)
      bench.addClass()
      try await Self.becomes(bench, withoutRoom: 1)
    }
  }

  @Test(
    "thousands of claims that fit nowhere are logged and get an Event once each, in parts, however often nodes report",
    arguments: ["WaitForFirstConsumer", "Immediate"])
  func many(binding: String) async throws {
    let lines = Mutex<[String]>([])
    // The claims are checked each second, and within the test no claim gets a second Event.
    let bench = ProvisionerBench(time: FastTime(factor: 20)) { line in lines.withLock { $0.append(line.message) } }
    bench.addNode("a", gibibytes: 1)
    bench.addClass(Samples.storageClass(binding: binding))
    let count = 1000
    try await bench.run {
      for number in 0..<count { bench.cluster.add(Samples.claim("c\(number)", gibibytes: 2, node: nil)) }
      try await Self.becomes(bench, withoutRoom: count)
      for number in 0..<200 {
        bench.cluster.say(storage("a", gibibytes: 1, reserved: UInt64(number % 2)))
        try await Task.sleep(for: .milliseconds(1))
      }
      await bench.eventually("all told") { $0.events.count >= count }
      #expect(bench.cluster.look { $0.events.count } == count)
    }
    #expect(lines.withLock { $0.count { $0 == "claim refused" } } == count)
    #expect(lines.withLock { $0.count { $0 == "claims without free space counted" } } >= 1)
    #expect(lines.withLock { $0.count } < count + 20)
  }

  @Test(
    "the same refusal gets another Event after 5, 10, 20, 40, 60 and 60 minutes, whatever the numbers; another refusal at once"
  )
  func pauses() {
    let key = ObjectKey(namespace: "default", name: "data")
    var sentRefusals = SentRefusals<ObjectKey>()
    var told: [Int64] = []
    for minute in Int64(0)..<260 {
      let refusal = Refusal(.insufficientStorage, "\(minute) GiB free")
      if sentRefusals.isNews(refusal, of: key, at: .seconds(minute * 60)) { told.append(minute) }
    }
    #expect(told == [0, 5, 15, 35, 75, 135, 195, 255])
    let others = [("a", 15601), ("a", 15602), ("b", 15603)].map { text, second in
      sentRefusals.isNews(Refusal(.unsupportedClaim, text), of: key, at: .seconds(Int64(second)))
    }
    #expect(others == [true, false, true])
    let wasTold = sentRefusals.end(of: key)
    let isTold = sentRefusals.end(of: key)
    #expect(wasTold && !isTold)
  }
}
