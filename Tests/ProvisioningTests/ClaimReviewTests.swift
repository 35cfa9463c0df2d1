import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@testable import Provisioning

@Suite("Claim review")
struct ClaimReviewTests {
  private static func verdict(
    _ storageClass: StorageClass? = Samples.storageClass(), _ change: (inout PersistentVolumeClaim) -> Void = { _ in }
  ) -> ClaimVerdict {
    var claim = Samples.claim("data")
    change(&claim)
    return ClaimReview.verdict(on: claim, in: storageClass)
  }

  private static func refusal(_ verdict: ClaimVerdict) -> Refusal? {
    if case .refuse(let refusal) = verdict { return refusal }
    return nil
  }

  @Test("claims that are bound, being deleted, or of other provisioners are left alone")
  func left() {
    #expect(Self.verdict { $0.volumeName = "v" } == .leave)
    #expect(Self.verdict { $0.metadata.deletionTimestamp = .init(seconds: 1, nanoseconds: 0) } == .leave)
    #expect(Self.verdict(Samples.storageClass(binding: "Immediate")) { $0.metadata.annotations = [:] } == .leave)
    #expect(Self.verdict(nil) { $0.metadata.annotations = [:] } == .leave)
    var foreign = Samples.storageClass()
    foreign.provisioner = "other"
    #expect(Self.verdict(foreign) { $0.metadata.annotations = [:] } == .leave)
    #expect(
      Self.verdict { $0.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[0]] = "other" } == .leave)
  }

  @Test("a claim waits until the scheduler has chosen a node, also before Kubernetes names its provisioner")
  func waits() throws {
    let verdicts = [
      Self.verdict { $0.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = nil },
      Self.verdict { $0.metadata.annotations = [:] },
    ]
    for verdict in verdicts {
      guard case .wait(let wish?) = verdict else {
        Issue.record("\(verdict)")
        continue
      }
      #expect(wish.size == .gibibytes(1))
    }
  }

  @Test("a waiting claim that may be meant for an existing PV is not refused")
  func waitsForAnother() {
    for change in [{ $0.hasSelector = true }, { $0.accessModes = ["ReadWriteMany"] }]
      as [(inout PersistentVolumeClaim) -> Void]
    {
      let verdict = Self.verdict { claim in
        claim.metadata.annotations = [:]
        change(&claim)
      }
      #expect(verdict == .wait(nil))
    }
  }

  @Test("both names of the provisioner and both annotations for it are accepted")
  func names() throws {
    var storageClass = Samples.storageClass()
    storageClass.provisioner = ClusterNames.formerProvisioner
    let verdict = Self.verdict(storageClass) {
      $0.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[0]] = nil
      $0.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[1]] = ClusterNames.formerProvisioner
    }
    guard case .make(let wish) = verdict else {
      Issue.record("\(verdict)")
      return
    }
    #expect(wish.provisioner == ClusterNames.formerProvisioner)
  }

  @Test(
    "what is not supported is refused with what to use instead",
    arguments: [
      ("volumeMode", "use volumeMode: Filesystem"), ("ReadWriteMany", "use ReadWriteOnce"),
      ("ReadOnlyMany", "use ReadWriteOnce"), ("ReadWriteOncePod", "CSI volumes only"),
      ("selector", "remove the selector"),
      ("dataSource", "remove it"), ("size", "spec.resources.requests.storage"),
      ("hugeSize", "spec.resources.requests.storage"), ("volumeAttributesClassName", "again without it"),
    ])
  func refused(what: String, advice: String) throws {
    let verdict = Self.verdict { claim in
      switch what {
      case "volumeMode": claim.volumeMode = "Block"
      case "selector": claim.hasSelector = true
      case "dataSource": claim.dataSource = "VolumeSnapshot/x\ny"
      case "volumeAttributesClassName": claim.volumeAttributesClassName = "gold"
      case "size": claim.request = nil
      case "hugeSize": claim.request = try? Quantity(parsing: "20E")
      default: claim.accessModes = ["ReadWriteOnce", what]
      }
    }
    let refusal = try #require(Self.refusal(verdict))
    #expect(refusal.reason == .unsupportedClaim)
    #expect(refusal.message.contains(advice))
    #expect(!refusal.message.contains("\n"))
  }

  @Test("no advice leads to more pods on a volume than ReadWriteOncePod would allow")
  func readWriteOncePod() throws {
    let refusal = try #require(Self.refusal(Self.verdict { $0.accessModes = ["ReadWriteOncePod"] }))
    #expect(!refusal.message.contains("use ReadWriteOnce"))
  }

  @Test(
    "a request below what its file system needs is refused, one that is just enough is accepted",
    arguments: [
      (["fsType": "xfs"], 300 << 20), (["fsType": "btrfs"], 109 << 20), (["fsType": "ext4"], 256 << 10),
      ([:], 256 << 10),
      (["fsType": "btrfs", "mkfsOptions": "--mixed"], 16 << 20),
      (["fsType": "btrfs", "mkfsOptions": "-m single"], 47 << 20),
    ] as [(StringMap, Int64)])
  func minimum(parameters: StringMap, bytes: Int64) throws {
    let storageClass = Samples.storageClass(parameters)
    let refusal = try #require(Self.refusal(Self.verdict(storageClass) { $0.request = Quantity(bytes - 1) }))
    #expect(refusal.reason == .unsupportedClaim && refusal.message.contains("which needs \(ByteCount(UInt64(bytes)))"))
    guard case .make = Self.verdict(storageClass, { $0.request = Quantity(bytes) }) else {
      Issue.record("\(bytes) bytes are not enough")
      return
    }
  }

  @Test("a class that is missing, is another provisioner's, recycles, or is Immediate with topologies is refused")
  func classes() {
    var other = Samples.storageClass()
    other.provisioner = ClusterNames.formerProvisioner
    var recycling = Samples.storageClass()
    recycling.reclaimPolicy = "Recycle"
    var immediate = Samples.storageClass(binding: "Immediate")
    immediate.allowedTopologies = [.init(expressions: [])]
    for storageClass in [nil, other, recycling, immediate, Samples.storageClass(["size": "1"])] {
      #expect(Self.refusal(Self.verdict(storageClass))?.reason == .invalidStorageClass)
    }
  }

  @Test("a claim in the cache has only the fields that are read, and its verdict is the same")
  func pruned() {
    var claim = Samples.claim("data")
    claim.metadata.annotations["note"] = String(repeating: "x", count: 250_000)
    claim.metadata.labels = ["app": "x"]
    claim.metadata.finalizers = ["kubernetes.io/pvc-protection"]
    #expect(claim.pruned.metadata.annotations == Samples.claim("data").metadata.annotations)
    #expect(claim.pruned.metadata.labels.isEmpty && claim.pruned.metadata.finalizers.isEmpty)
    let verdicts = [claim, claim.pruned].map { ClaimReview.verdict(on: $0, in: Samples.storageClass()) }
    #expect(verdicts[0] == verdicts[1])
  }

  @Test("a node's name that is too long for a label is shortened, and never to another node's name")
  func labels() {
    let name = String(repeating: "n", count: 60)
    #expect(ClusterNames.nodeLabelValue(name) == name)
    let values = (0..<1000).map { ClusterNames.nodeLabelValue("\(name).\($0).example.com") }
    #expect(Set(values).count == 1000)
    #expect(values.allSatisfy { $0.utf8.count <= 63 })
    let dotted = ClusterNames.nodeLabelValue(String(repeating: "n", count: 45) + "." + name)
    #expect(dotted.split(separator: ".").allSatisfy { !$0.hasPrefix("-") }, "\(dotted) is part of an object's name")
  }

  @Test("no two pairs of node and class have one object name, although both names may have dots")
  func capacityNames() {
    let pairs = [
      ("a", "b.c"), ("a.b", "c"), ("a.b", "c.d"), ("a.b.c", "d"), ("a", "b"), (String(repeating: "a", count: 70), "b"),
    ]
    let names = pairs.map { ClusterNames.nodeCapacityObject(of: $0, storageClass: $1) }
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.utf8.count <= 63 })
    #expect(names[4] == "elastic-local.a.b")
  }
}
