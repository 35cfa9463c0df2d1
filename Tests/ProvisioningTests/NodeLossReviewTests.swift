import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Testing

@testable import Provisioning

@Suite("The rules for a PV whose node may have left the cluster")
struct NodeLossReviewTests {
  private static func volume(_ change: (inout PersistentVolume) -> Void = { _ in }) -> PersistentVolume {
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: "v", uid: "u", labels: [ClusterNames.nodeLabel: "a"],
        annotations: [
          PersistentVolume.provisionedByAnnotation: ClusterNames.provisioner,
          ClusterNames.onNodeLossAnnotation: "recreateClaim",
        ], finalizers: [ClusterNames.finalizer]))
    volume.flexVolume = FlexVolumeSource(driver: ProductNames.driver)
    volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: ["host-a"])
    volume.reclaimPolicy = "Delete"
    volume.phase = "Bound"
    volume.claim = ObjectReference(namespace: "default", name: "data", uid: "c")
    change(&volume)
    return volume
  }

  private static func setAside(_ change: (inout PersistentVolume) -> Void = { _ in }) -> PersistentVolume {
    volume { found in
      found.metadata.annotations[ClusterNames.nodeLossAnnotation] = "2026-01-01T00:00:00Z"
      found.reclaimPolicy = "Retain"
      change(&found)
    }
  }

  private static func claim(_ change: (inout PersistentVolumeClaim) -> Void = { _ in }) -> PersistentVolumeClaim {
    var claim = PersistentVolumeClaim(metadata: ObjectMeta(name: "data", namespace: "default", uid: "c"))
    claim.volumeName = "v"
    change(&claim)
    return claim
  }

  private static let deletion = Timestamp(seconds: 1, nanoseconds: 0)

  @Test("a PV is set aside when its node is gone, and not while the node exists or has been missing for a shorter time")
  func first() {
    #expect(NodeLossReview.verdict(on: Self.volume(), Self.claim(), .gone) == .setAside)
    #expect(NodeLossReview.verdict(on: Self.volume(), Self.claim(), .missing) == .leave)
    #expect(NodeLossReview.verdict(on: Self.volume(), Self.claim(), .there) == .leave)
  }

  @Test("a PV that is of another class, not ours, being deleted, unpinned or not bound to its claim is never set aside")
  func never() {
    let others: [(inout PersistentVolume) -> Void] = [
      { $0.metadata.annotations[ClusterNames.onNodeLossAnnotation] = nil },
      { $0.metadata.annotations[ClusterNames.onNodeLossAnnotation] = "keepClaim" },
      { $0.metadata.annotations[PersistentVolume.provisionedByAnnotation] = "somebody.else" },
      { $0.flexVolume?.driver = "other/driver" },
      { $0.metadata.deletionTimestamp = Self.deletion }, { $0.nodeAffinity = nil }, { $0.metadata.labels = [:] },
      { $0.phase = "Released" }, { $0.phase = "Available" }, { $0.claim = nil }, { $0.claim?.uid = "" },
      { $0.claim?.uid = "another" },
    ]
    for change in others {
      #expect(NodeLossReview.verdict(on: Self.volume(change), Self.claim(), .gone) == .leave)
    }
    let claims: [PersistentVolumeClaim?] = [
      nil, Self.claim { $0.metadata.uid = "anew" }, Self.claim { $0.volumeName = "" },
      Self.claim { $0.metadata.deletionTimestamp = Self.deletion },
    ]
    for claim in claims { #expect(NodeLossReview.verdict(on: Self.volume(), claim, .gone) == .leave) }
  }

  @Test("a claim is deleted only when its PV is set aside, has policy Retain, and its node is still gone")
  func second() {
    #expect(NodeLossReview.verdict(on: Self.setAside(), Self.claim(), .gone) == .deleteClaim)
    #expect(NodeLossReview.verdict(on: Self.setAside { $0.reclaimPolicy = "Delete" }, Self.claim(), .gone) == .leave)
    #expect(NodeLossReview.verdict(on: Self.setAside(), Self.claim(), .missing) == .leave)
    #expect(NodeLossReview.verdict(on: Self.setAside(), Self.claim(), .there) == .putBack)
  }

  @Test("a claim that is not bound to the PV that names it is not deleted, and gives no PV its former policy")
  func unbound() {
    for node in [NodePresence.there, .missing, .gone] {
      for volumeName in ["", "another"] {
        let claim = Self.claim { $0.volumeName = volumeName }
        #expect(NodeLossReview.verdict(on: Self.setAside(), claim, node) == .leave)
      }
      #expect(NodeLossReview.verdict(on: Self.setAside { $0.phase = "Released" }, Self.claim(), node) == .leave)
    }
  }

  @Test("once the claim is being deleted, nothing is undone, and pods are deleted until there is another claim")
  func third() {
    let going = Self.claim { $0.metadata.deletionTimestamp = Self.deletion }
    for node in [NodePresence.there, .missing, .gone] {
      #expect(NodeLossReview.verdict(on: Self.setAside(), going, node) == .awaitClaim)
      #expect(NodeLossReview.verdict(on: Self.setAside(), nil, node) == .deletePods)
      #expect(NodeLossReview.verdict(on: Self.setAside(), Self.claim { $0.metadata.uid = "anew" }, node) == .concluded)
    }
  }

  @Test("a PV on a node that is back, given to a new claim by an operator, is put back")
  func givenAgain() {
    let volume = Self.setAside { $0.claim?.uid = "anew" }
    #expect(NodeLossReview.verdict(on: volume, Self.claim { $0.metadata.uid = "anew" }, .there) == .putBack)
  }

  // MARK: Pods

  private static func pod(node: String = "", _ change: (inout Pod) -> Void = { _ in }) -> Pod {
    var pod = Pod(
      metadata: ObjectMeta(
        name: "p", namespace: "default",
        ownerReferences: [
          OwnerReference(apiVersion: "apps/v1", kind: "StatefulSet", name: "s", uid: "s", isController: true)
        ]))
    pod.nodeName = node
    pod.claimNames = ["data"]
    pod.phase = "Pending"
    change(&pod)
    return pod
  }

  @Test("a pod without a node is stuck once its claim is gone; a pod on the node is stuck while the node is gone")
  func stuck() {
    let volume = Self.setAside()
    #expect(NodeLossReview.stuck(Self.pod(), of: volume, .deletePods, .gone) == .unscheduled)
    #expect(NodeLossReview.stuck(Self.pod(), of: volume, .deletePods, .there) == .unscheduled)
    #expect(NodeLossReview.stuck(Self.pod(), of: volume, .awaitClaim, .gone) == nil)
    #expect(NodeLossReview.stuck(Self.pod(node: "a"), of: volume, .awaitClaim, .gone) == .onNode("a"))
    #expect(NodeLossReview.stuck(Self.pod(node: "a"), of: volume, .awaitClaim, .missing) == nil)
    #expect(NodeLossReview.stuck(Self.pod(node: "a"), of: volume, .awaitClaim, .there) == nil)
  }

  @Test(
    "pods that are of other nodes, claims or namespaces, have ended, are being deleted or have no controller are left alone"
  )
  func untouched() {
    let pods = [
      Self.pod(node: "b"), Self.pod { $0.claimNames = ["other"] }, Self.pod { $0.claimNames = [] },
      Self.pod { $0.metadata.namespace = "other" }, Self.pod { $0.phase = "Succeeded" },
      Self.pod(node: "a") { $0.phase = "Failed" }, Self.pod { $0.metadata.deletionTimestamp = Self.deletion },
      Self.pod { $0.metadata.ownerReferences = [] },
    ]
    for pod in pods { #expect(NodeLossReview.stuck(pod, of: Self.setAside(), .deletePods, .gone) == nil) }
  }

  @Test("a node's name that is longer than a label is found by its digest")
  func longName() {
    let name = String(repeating: "n", count: 60) + ".example.com"
    let volume = Self.setAside { $0.metadata.labels[ClusterNames.nodeLabel] = ClusterNames.nodeLabelValue(name) }
    #expect(NodeLossReview.stuck(Self.pod(node: name), of: volume, .awaitClaim, .gone) == .onNode(name))
  }

  // MARK: The limit

  @Test(
    "the limit counts PVs from every view; a PV in doubt counts until its request can no longer be carried out"
  )
  func limit() {
    var losses = NodeLosses()
    for name in ["v1", "v2", "v3", "v4"] {
      losses.set(name, NodeLoss(hostname: "host-a", node: "a", isSetAside: name == "v1"))
    }
    func may(_ name: String, _ found: [String] = [], limit: Int, seconds: Int64 = 0) -> Bool {
      losses.maySetAside(name, besides: found, limit: limit, at: .seconds(seconds))
    }
    #expect(may("v2", limit: 2))
    #expect(!may("v2", limit: 1))
    #expect(!may("v2", limit: 0))
    #expect(may("v2", ["v1"], limit: 2), "the same PV in two views is one")
    #expect(!may("v2", ["v0"], limit: 2), "no watch has shown it yet")
    losses.doubt("v3", until: .seconds(90))
    #expect(!may("v2", limit: 2, seconds: 89))
    #expect(may("v3", limit: 2, seconds: 89), "the one in doubt may be tried again")
    #expect(may("v2", limit: 2, seconds: 90))
    losses.setAside("v2")
    #expect(!may("v4", limit: 2, seconds: 90))
    losses.set("v1", nil)
    #expect(may("v4", limit: 2, seconds: 90))
  }
}
