import LinuxSystem
import Testing

/// A node that is only an object, without a kubelet. A daemon of ours serves it, and its volumes are disk images on a
/// file system of its own, in memory and of a given size.
struct SimulatedNode {
  let name: String
  let mebibytes: Int

  /// The label that nodes of this kind have, for the node selectors of pods that are not to come to others.
  static let selector = "{simulated: \"yes\"}"

  /// Adds the nodes, runs the body and takes everything away that is theirs.
  static func with(_ nodes: [SimulatedNode], _ body: () throws -> Void) throws {
    let result = Result {
      for node in nodes { try node.add() }
      try body()
    }
    for node in nodes { try node.remove() }
    try result.get()
  }

  /// What the daemon says there is room for in volumes of a class, as Kubernetes has it; empty before it has said so.
  func room(for storageClass: String) throws -> String { try published(storageClass, "{.capacity}") }

  /// In which version of the API the daemon has written that.
  func version(for storageClass: String) throws -> String {
    try published(storageClass, "{.metadata.managedFields[0].apiVersion}")
  }

  private func published(_ storageClass: String, _ path: String) throws -> String {
    try Cluster.kubectl(
      "get", "csistoragecapacity", "--namespace=elastic-local", "elastic-local.\(name).\(storageClass)",
      "--ignore-not-found", "--output=jsonpath=\(path)")
  }

  private func add() throws {
    let state = try directory("state")
    try Files.makeDirectories(state, mode: 0o700)
    try Files.makeDirectories(directory("kubelet"), mode: 0o700)
    try Mounting.mount(
      device: "tmpfs", atPath: state, fileSystem: "tmpfs", flags: [], data: "mode=0700,size=\(mebibytes)m")
    try Cluster.lab("add-simulated-node", name)
    try Cluster.kubectl("label", "node", name, "simulated=yes")
    try Cluster.lab(
      "run", "daemon-\(name)", Cluster.program("elastic-local-node"), "serve", "--engine=file",
      "--node-name=\(name)", "--socket=\(directory("socket"))", "--state-dir=\(state)",
      "--kubelet-root=\(directory("kubelet"))", "--kubeconfig=\(Cluster.kubeconfig())", "--reclaim-grace=1")
  }

  private func remove() throws {
    try Cluster.lab("stop-part", "own/daemon-\(name)")
    try Cluster.kubectl("delete", "node", name)
    try Cluster.kubectl(
      "delete", "csistoragecapacity,configmap", "--namespace=elastic-local",
      "--selector=volumes.k8s.elastic.co/node-affinity=\(name)")
    try Mounting.unmount(directory("state"))
  }

  private func directory(_ part: String) throws -> String { try Cluster.path("simulated/\(name)/\(part)") }
}
