import LinuxSystem
import Testing

/// A volume of ours on the cluster: a hand-made PV on node1 with a claim bound to it.
struct BoundVolume {
  let name: String

  /// Makes both, runs the body, and removes them with all pods that use them. No mount of it may be left then.
  ///
  /// The volume itself is retained, so the name gets a suffix that makes it another one in each run.
  static func with(_ name: String, fileSystem: String = "ext4", _ body: (BoundVolume) throws -> Void) throws {
    let volume = BoundVolume(name: "\(name)-\(OwnProcess.processID)")
    try Cluster.apply(volume.manifest(fileSystem))
    let result = Result { try body(volume) }
    try Cluster.kubectl("delete", "pod", "--selector", "volume=\(volume.name)", "--timeout=180s")
    try Cluster.kubectl("delete", "pvc,pv", "--selector", "volume=\(volume.name)", "--timeout=180s")
    let areGone = try eventually { try volume.mounts.isEmpty }
    let left = try volume.mounts
    #expect(areGone, "\(left) left")
    try result.get()
  }

  /// Where it is mounted on this machine, kubelet's directories and the daemon's.
  var mounts: [String] {
    get throws { try MountTable.current().entries.map(\.mountPoint).filter { $0.contains(name) } }
  }

  /// Makes a pod that uses it and waits until it runs.
  func startPod(_ pod: Pod) throws {
    try Cluster.apply(pod.manifest(claim: name))
    try Cluster.awaitReady(pod.name)
  }

  private func manifest(_ fileSystem: String) -> String {
    """
    apiVersion: storage.k8s.io/v1
    kind: StorageClass
    metadata: {name: by-hand}
    provisioner: kubernetes.io/no-provisioner
    allowVolumeExpansion: true
    ---
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: \(name), labels: {volume: \(name)}}
    spec:
      capacity: {storage: 320Mi}
      accessModes: [ReadWriteOnce]
      persistentVolumeReclaimPolicy: Retain
      storageClassName: by-hand
      flexVolume:
        driver: volumes.k8s.elastic.co/elastic-local
        fsType: \(fileSystem)
        options: {sizeBytes: "335544320"}
      nodeAffinity: {required: {nodeSelectorTerms: [
        {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}
    ---
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: \(name), labels: {volume: \(name)}}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: by-hand
      volumeName: \(name)
      resources: {requests: {storage: 320Mi}}
    """
  }
}

/// A pod with one container that has the volume at /data.
struct Pod {
  let name: String
  /// What the container runs.
  var script = "sleep 100000"
  /// Further settings of the pod's security context.
  var securityContext = "{}"
  /// Further settings of the mount, such as `readOnly: true`.
  var mount = ""

  func manifest(claim: String) -> String {
    manifest(volume: "persistentVolumeClaim: {claimName: \(claim)}", label: claim)
  }

  /// - Parameter label: what finds the pods of one test.
  func manifest(volume: String, label: String) -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: \(name), labels: {volume: \(label)}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: \(securityContext)
      containers:
      - name: main
        image: localhost/busybox:1
        imagePullPolicy: Never
        command: [sh, -c, "\(script)"]
        env: [{name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        volumeMounts: [{name: data, mountPath: /data\(mount.isEmpty ? "" : ", " + mount)}]
      volumes:
      - {name: data, \(volume)}
    """
  }
}
