import LinuxSystem

/// A class of volumes that are there before their claims: Kubernetes binds them itself, when a pod wants it.
enum LocalClass {
  static let name = "bench-local"

  /// Makes it, in all else like ours. Blocks.
  static func make(in cluster: BenchCluster) throws {
    let ours = try Files.readText("\(Lab.project)/daemonset/base/storage-class.yaml")
    let lines = ours.split(separator: "\n").map { line in
      if line.hasPrefix("  name: ") { return "  name: \(name)" }
      return line.hasPrefix("provisioner: ") ? "provisioner: kubernetes.io/no-provisioner" : String(line)
    }
    try cluster.create(lines.joined(separator: "\n"))
  }
}
