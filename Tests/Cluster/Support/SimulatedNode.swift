import LinuxSystem
import Testing

/// A node that is only an object, with a daemon of ours whose volumes are simulated: the scheduler sends pods there, which
/// never start, and their claims are bound.
///
/// Its room is 100 GiB. Pods have to tolerate its taint.
struct SimulatedNode {
  static let taint = "elastic-local-test"
  let name: String

  /// Adds nodes, runs the body, and removes them.
  static func with(_ names: [String], _ body: ([SimulatedNode]) throws -> Void) throws {
    let nodes = names.map(SimulatedNode.init)
    defer { for node in nodes { node.remove() } }
    for node in nodes { try node.add() }
    try body(nodes)
  }

  /// A pod with a claim, of the claim's name, that is sent to one of the nodes and never starts there.
  static func pod(_ claim: String, on nodes: [SimulatedNode]) -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(claim), labels: {volume: \(claim)}}
    spec:
      terminationGracePeriodSeconds: 0
      tolerations: [{key: \(taint), operator: Exists}]
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions:
              - {key: kubernetes.io/hostname, operator: In, values: [\(nodes.map(\.name).joined(separator: ", "))]}
      containers:
      - name: main
        image: localhost/busybox:1
        imagePullPolicy: Never
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: \(claim)}}]
    """
  }

  /// The names of the volumes that its daemon has.
  var volumes: Set<String> {
    get throws {
      let status = try Cluster.part(
        "elastic-local-node", "status", "--json", "--socket", "\(Cluster.path(name)).sock")
      return Set(status.split(separator: "\"").filter { $0.hasPrefix("pvc-") }.map(String.init))
    }
  }

  private func add() throws {
    let directory = try Cluster.path()
    try Cluster.lab("add-simulated-node", name, Self.taint)
    try Cluster.lab(
      "run", name, Cluster.products + "/elastic-local-node", "serve", "--engine", "simulated", "--node-name", name,
      "--socket", "\(directory)/\(name).sock", "--state-dir", "\(directory)/\(name)", "--kubelet-root", directory,
      "--kubeconfig", Cluster.kubeconfig())
    #expect(try eventually { try isReported })
  }

  private var isReported: Bool {
    get throws {
      try !Cluster.kubectl(
        "get", "nodestorage", name, "--namespace", Product.namespace, "--ignore-not-found", "-o", "name"
      ).isEmpty
    }
  }

  /// What the daemon says there is room for in volumes of a class, as Kubernetes has it; empty before it has said so.
  func capacity(for storageClass: String) throws -> String { try capacityField(storageClass, "{.capacity}") }

  /// For pods on which node the daemon says so.
  func hostnameOfCapacity(for storageClass: String) throws -> String {
    try capacityField(storageClass, #"{.nodeTopology.matchLabels.kubernetes\.io/hostname}"#)
  }

  /// In which version of the API the daemon has written that.
  func versionOfCapacity(for storageClass: String) throws -> String {
    try capacityField(storageClass, "{.metadata.managedFields[0].apiVersion}")
  }

  private func capacityField(_ storageClass: String, _ path: String) throws -> String {
    try Cluster.kubectl(
      "get", "csistoragecapacity", "elastic-local.\(name).\(storageClass)", "--namespace", Product.namespace,
      "--ignore-not-found", "-o", "jsonpath=\(path)")
  }

  /// The machine is gone for good: its object and its daemon.
  func vanish() throws {
    try Cluster.lab("stop-part", "own/\(name)")
    try Cluster.lab("remove-simulated-node", name)
  }

  private func remove() {
    // Perhaps it has vanished already.
    try? Cluster.lab("stop-part", "own/\(name)")
    try? Cluster.lab("remove-simulated-node", name)
    _ = try? Cluster.kubectl(
      "delete", "nodestorage", name, "--namespace", Product.namespace, "--ignore-not-found")
    _ = try? Cluster.kubectl(
      "delete", "csistoragecapacities.storage.k8s.io", "--namespace", Product.namespace,
      "-l", "\(SimulatedNode.label)=\(name)")
  }

  private static let label = "volumes.k8s.elastic.co/node-affinity"
}
