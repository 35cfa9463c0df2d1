import LinuxSystem
import Testing

/// A claim of a storage class of ours, and the PV and volume that are made for it.
struct ClaimedVolume {
  let name: String

  /// Makes the claim, runs the body, and removes everything. Nothing of the volume may be left then, unless the body has
  /// seen to what is kept.
  static func with(
    _ name: String, storageClass: String = "elastic-local", size: String = "320Mi",
    _ body: (ClaimedVolume) throws -> Void
  ) throws {
    let volume = ClaimedVolume(name: name)
    try Cluster.apply(volume.manifest(storageClass, size))
    let result = Result { try body(volume) }
    try volume.remove()
    try result.get()
  }

  func remove() throws {
    let pv = try pvName
    try Cluster.kubectl("delete", "pod", "--selector", "volume=\(name)", "--timeout=180s")
    try Cluster.kubectl("delete", "pvc", name, "--ignore-not-found", "--timeout=180s")
    guard !pv.isEmpty, try policy(of: pv) == "Delete" else { return }
    let isGone = try eventually { try !Self.exists(pv) }
    let left = try Cluster.kubectl("get", "pv", pv, "-o", "yaml", "--ignore-not-found")
    #expect(isGone, "PV \(pv) stays: \(left)")
    #expect(try !Self.hasStorage(pv), "the volume of \(pv) is left on the node")
  }

  func manifest(_ storageClass: String, _ size: String) -> String {
    """
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: \(name), labels: {volume: \(name)}}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: \(storageClass)
      resources: {requests: {storage: \(size)}}
    """
  }

  func startPod(_ pod: Pod) throws {
    try Cluster.apply(pod.manifest(claim: name))
    try Cluster.awaitReady(pod.name)
  }

  /// The name of the claim's PV; empty before it is bound.
  var pvName: String {
    get throws {
      try Cluster.kubectl("get", "pvc", name, "--ignore-not-found", "-o", "jsonpath={.spec.volumeName}")
    }
  }

  static func exists(_ pv: String) throws -> Bool {
    try !Cluster.kubectl("get", "pv", pv, "--ignore-not-found", "-o", "name").isEmpty
  }

  private func policy(of pv: String) throws -> String {
    try Cluster.kubectl(
      "get", "pv", pv, "--ignore-not-found", "-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}")
  }

  /// Whether the node's daemon has a volume of that name.
  static func hasStorage(_ pv: String) throws -> Bool { try Cluster.nodeStatus().contains("\"name\": \"\(pv)\"") }

  /// What Events say of the claim, and of a pod of the same name.
  var events: String { get throws { try Cluster.events(of: "PersistentVolumeClaim", name) } }
  var podEvents: String { get throws { try Cluster.events(of: "Pod", name) } }

  /// Where it is mounted on this machine, kubelet's directories and the daemon's.
  var mounts: [String] {
    get throws {
      let pv = try pvName
      return try MountTable.current().entries.map(\.mountPoint).filter { !pv.isEmpty && $0.contains(pv) }
    }
  }
}
