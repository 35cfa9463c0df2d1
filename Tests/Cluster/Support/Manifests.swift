import LinuxSystem
import Testing

/// What is in `daemonset/`.
enum Manifests {
  /// What is applied on the cluster under test.
  static var installation: String { Cluster.minor < 21 ? "daemonset/overlays/kubernetes-1.20" : "daemonset" }

  /// All directories that are applied by somebody, by their paths in the project.
  static var directories: [String] {
    get throws {
      let overlays = try Files.list("\(Cluster.project)/daemonset/overlays").sorted().map { "daemonset/overlays/\($0)" }
      // Before 1.30 there are no such policies.
      let policies = Cluster.minor < 30 ? [] : ["daemonset/admission", "daemonset/admission/pools"]
      return ["daemonset"] + overlays + ["daemonset/samples", "daemonset/uninstall"] + policies
    }
  }

  static func apply(_ path: String) throws {
    try Cluster.kubectl("apply", path.hasSuffix(".yaml") ? "-f" : "-k", "\(Cluster.project)/\(path)")
  }

  static func delete(_ path: String) throws {
    try Cluster.kubectl("delete", path.hasSuffix(".yaml") ? "-f" : "-k", "\(Cluster.project)/\(path)", "--timeout=3m")
  }
}
