import LinuxSystem
import Testing

extension Trait where Self == ConditionTrait {
  /// Runs only on a cluster where the product is installed.
  static var cluster: Self {
    .enabled(if: Cluster.directory != nil && !Cluster.isBare, "needs a cluster: lab/cluster-test starts one")
  }

  /// Runs only on a control plane without the product.
  static var controlPlane: Self {
    .enabled(if: Cluster.isBare, "needs a control plane without the product: lab/test manifests, lab/test soak")
  }

  /// Runs only after all other tests of the cluster, whose requests are in the API server's audit log.
  static var afterAllOthers: Self {
    .enabled(
      if: OwnProcess.environment["CLUSTER_AFTER_TESTS"] != nil, "lab/cluster-test runs it after all other tests")
  }

  /// Runs only where there is a node with a kubelet, and the control plane is ours to stop.
  static var node: Self {
    .enabled(if: Cluster.realNode != nil, "needs a node with a kubelet, which somebody else's cluster is not used for")
  }

  /// Runs only where the API server knows ValidatingAdmissionPolicy.
  static var admissionPolicies: Self {
    .enabled(if: Cluster.minor >= 30, "needs Kubernetes 1.30 or later, which knows ValidatingAdmissionPolicy")
  }

  /// Runs only as a root who may grow a mounted ext4: `CAP_SYS_RESOURCE`, capabilities(7), which sandboxes take away.
  static var needsSystemResources: Self {
    .enabled(if: Capabilities.areEffective(1 << 24), "needs CAP_SYS_RESOURCE: ext4 is not grown in use without")
  }
}

private enum Capabilities {
  /// The bits of `CapEff` in /proc/self/status, proc(5).
  static func areEffective(_ bits: UInt64) -> Bool {
    let status = (try? Files.readText("/proc/self/status")) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
    let effective = line.flatMap { UInt64($0.drop { $0 != "\t" }.dropFirst(), radix: 16) }
    return effective.map { $0 & bits == bits } ?? false
  }
}
