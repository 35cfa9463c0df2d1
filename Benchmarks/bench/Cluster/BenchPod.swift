/// A pod with a volume at /data that prints one word and sleeps. Its claim and its local volume have the same name.
struct BenchPod {
  enum Kind: String, CaseIterable {
    case emptyDir = "empty-dir"
    case local
    case ours = "elastic-local"
  }

  let kind: Kind
  let name: String

  static let size = "256Mi"

  func localPath(in cluster: BenchCluster) -> String { "\(cluster.directory)/local/\(name)" }

  /// The pod is last, so that its claim and volume exist when it is created.
  func manifest(in cluster: BenchCluster) -> String {
    let objects =
      switch kind {
      case .emptyDir: [pod("emptyDir: {}")]
      case .local: [localVolume(localPath(in: cluster)), claim(LocalClass.name), pod(claimed)]
      case .ours: [claim("elastic-local"), pod(claimed)]
      }
    return objects.joined(separator: "\n---\n")
  }

  private var claimed: String { "persistentVolumeClaim: {claimName: \(name)}" }

  private func pod(_ volume: String) -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name)}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: main
          image: localhost/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, "echo started; exec sleep 100000"]
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, \(volume)}]
    """
  }

  private func claim(_ className: String) -> String {
    """
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: \(name)}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: \(className)
      resources: {requests: {storage: \(Self.size)}}
    """
  }

  private func localVolume(_ path: String) -> String {
    """
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: \(name)}
    spec:
      capacity: {storage: \(Self.size)}
      accessModes: [ReadWriteOnce]
      storageClassName: \(LocalClass.name)
      local: {path: \(path)}
      nodeAffinity: {required: {nodeSelectorTerms: [
        {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}
    """
  }
}
