import Testing

/// The product on the cluster under test: pods on a cluster of our own, processes on somebody else's.
enum Product {
  static let namespace = "elastic-local"

  /// Kills the daemon of the real node. kubelet starts it again.
  static func crashDaemon() throws {
    try Cluster.lab("crash-container", namespace, try pods("node").first ?? "none")
  }

  /// Kills the provisioner that leads, in the midst of whatever it does. It is started again; until then another leads.
  static func crashLeader() throws {
    let leader = try leader()
    if Cluster.realNode != nil {
      try Cluster.lab("crash-container", namespace, leader)
    } else {
      try Cluster.lab("crash-part", "own/\(leader)")
      try Cluster.lab("start-part", "own/\(leader)")
    }
  }

  /// The pod or part that holds the Lease. Something random follows its name there.
  static func leader() throws -> String {
    let holder = try Cluster.kubectl(
      "get", "lease", "elastic-local-provisioner", "--namespace", namespace, "-o", "jsonpath={.spec.holderIdentity}")
    guard let name = holder.split(separator: "_").first else { throw Trouble("no provisioner leads") }
    return String(name)
  }

  static func pods(_ component: String) throws -> [String] {
    try Cluster.kubectl(
      "get", "pods", "--namespace", namespace, "-l", "app.kubernetes.io/component=\(component)",
      "--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"
    ).split(separator: " ").map(String.init)
  }
}
