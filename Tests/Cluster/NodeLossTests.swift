import LinuxSystem
import Testing

/// The nodes that go are simulated: nothing starts there. The provisioner's grace time is 20 s here.
@Suite("Claims of nodes that have left for good", .serialized, .cluster)
struct NodeLossTests {
  private static let set = "replica"
  private static let claim = ClaimedVolume(name: "data-replica-0")

  /// One pod, on any of the nodes.
  private static func statefulSet(_ storageClass: String, on nodes: [SimulatedNode]) -> String {
    """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: \(set)}
    spec:
      replicas: 1
      serviceName: \(set)
      selector: {matchLabels: {app: \(set)}}
      template:
        metadata: {labels: {app: \(set)}}
        spec:
          terminationGracePeriodSeconds: 0
          tolerations: [{key: \(SimulatedNode.taint), operator: Exists}]
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms:
                - matchExpressions:
                  - key: kubernetes.io/hostname
                    operator: In
                    values: [\(nodes.map(\.name).joined(separator: ", "))]
          containers:
          - name: main
            image: localhost/busybox:1
            imagePullPolicy: Never
            volumeMounts: [{name: data, mountPath: /data}]
      volumeClaimTemplates:
      - metadata: {name: data}
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: \(storageClass)
          resources: {requests: {storage: 1Gi}}
    """
  }

  private static func field(_ path: String, _ object: String...) throws -> String {
    try Cluster.shell(
      "kubectl get \(object.joined(separator: " ")) --ignore-not-found -o 'jsonpath=\(path)'")
  }

  private static var nodeOfPod: String {
    get throws { try field("{.spec.nodeName}", "pod", "\(set)-0") }
  }

  private static func uid(_ object: String...) throws -> String {
    try Cluster.shell("kubectl get \(object.joined(separator: " ")) --ignore-not-found -o 'jsonpath={.metadata.uid}'")
  }

  /// Runs the body with the set's pod sent to one of two nodes, and removes everything.
  private static func with(
    _ policy: String, _ body: (_ lost: SimulatedNode, _ other: SimulatedNode, _ pv: String) throws -> Void
  ) throws {
    let storageClass = "on-node-loss-\(policy.lowercased())"
    try Cluster.apply(
      Cluster.storageClass(
        storageClass, "volumeBindingMode: WaitForFirstConsumer\nparameters: {onNodeLoss: \(policy)}"))
    try SimulatedNode.with(["first", "second"]) { nodes in
      try Cluster.apply(statefulSet(storageClass, on: nodes))
      let result = Result {
        #expect(try eventually { try !claim.pvName.isEmpty && !nodeOfPod.isEmpty })
        let name = try nodeOfPod
        let lost = try #require(nodes.first { $0.name == name })
        let other = try #require(nodes.first { $0.name != name })
        try body(lost, other, claim.pvName)
      }
      try Cluster.kubectl("delete", "statefulset", set, "--wait=false")
      try Cluster.kubectl(
        "delete", "pod", "\(set)-0", "--force", "--grace-period=0", "--ignore-not-found", "--wait=false")
      try Cluster.kubectl("delete", "pvc", claim.name, "--ignore-not-found", "--timeout=180s")
      try result.get()
    }
    try Cluster.kubectl("delete", "storageclass", storageClass)
  }

  /// A claim on a node of its own, which then says that it is not ready.
  private static func withNotReady(_ body: () throws -> Void) throws {
    try SimulatedNode.with(["silent"]) { nodes in
      let claim = ClaimedVolume(name: "silent")
      try Cluster.apply(
        claim.manifest("on-node-loss-recreateclaim", "1Gi") + "\n---\n" + SimulatedNode.pod(claim.name, on: nodes))
      #expect(try eventually { try !claim.pvName.isEmpty })
      let (pv, uid) = (try claim.pvName, try uid("pvc", claim.name))
      try Cluster.shell(
        """
        kubectl get node silent -o json | jq '.status.conditions |= map(if .type == "Ready" then .status = "False" else . end)' |
          kubectl replace --raw /api/v1/nodes/silent/status -f - >/dev/null
        """)
      let result = Result { try body() }
      #expect(try Self.uid("pvc", claim.name) == uid)
      #expect(try field("{.spec.persistentVolumeReclaimPolicy} {.status.phase}", "pv", pv) == "Delete Bound")
      try Cluster.kubectl(
        "delete", "pod", claim.name, "--force", "--grace-period=0", "--ignore-not-found", "--wait=false")
      try claim.remove()
      try result.get()
    }
  }

  @Test(
    "a StatefulSet's pod and claim are created anew on another node, and the PV stays until somebody deletes it; a claim on a node that is only not ready stays"
  )
  func recreated() throws {
    try Self.with("recreateClaim") { lost, other, pv in
      try Self.withNotReady { try recreated(lost, other, pv) }
    }
  }

  private func recreated(_ lost: SimulatedNode, _ other: SimulatedNode, _ pv: String) throws {
    let (claim, pod) = (try Self.uid("pvc", Self.claim.name), try Self.uid("pod", "\(Self.set)-0"))
    try lost.vanish()
    let isElsewhere = try eventually(seconds: 360) { try Self.nodeOfPod == other.name }
    let said = try Cluster.kubectl("describe", "pod,pvc")
    #expect(isElsewhere, "\(said)")
    #expect(try Self.uid("pvc", Self.claim.name) != claim)
    #expect(try Self.uid("pod", "\(Self.set)-0") != pod)
    #expect(try Self.field("{.spec.persistentVolumeReclaimPolicy} {.status.phase}", "pv", pv) == "Retain Released")
    #expect(try Cluster.kubectl("get", "pv", "-l", "volumes.k8s.elastic.co/node-loss", "-o", "name").contains(pv))
    #expect(
      try Cluster.events(of: "PersistentVolumeClaim", Self.claim.name).contains("node \(lost.name) left the cluster"))
    #expect(try Cluster.events(of: "PersistentVolume", pv).contains("claim default/\(Self.claim.name) was deleted"))
    // What a person does who has looked.
    try Cluster.kubectl("delete", "pv", pv, "--timeout=180s")
  }

  @Test("with keepClaim pod and claim stay as they are, and the claim is told")
  func kept() throws {
    try Self.with("keepClaim") { lost, _, pv in
      let claim = try Self.uid("pvc", Self.claim.name)
      try lost.vanish()
      #expect(try eventually { try Self.claim.events.contains("has left the cluster") })
      #expect(try Self.uid("pvc", Self.claim.name) == claim)
      #expect(try Self.field("{.spec.persistentVolumeReclaimPolicy} {.status.phase}", "pv", pv) == "Delete Bound")
    }
  }
}
