import LinuxSystem

/// A class of existing volumes. Kubernetes binds them when a pod needs one.
enum LocalClass {
  static let name = "bench-local"

  /// Creates the class, otherwise equal to ours. Blocks.
  static func make(in cluster: BenchCluster) throws {
    let ours = try Files.readText("\(Lab.project)/daemonset/base/storage-class.yaml")
    let lines = ours.split(separator: "\n").map { line in
      if line.hasPrefix("  name: ") { return "  name: \(name)" }
      return line.hasPrefix("provisioner: ") ? "provisioner: kubernetes.io/no-provisioner" : String(line)
    }
    try cluster.create(lines.joined(separator: "\n"))
  }
}
