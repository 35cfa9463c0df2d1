import LinuxSystem
import Testing

@Suite("Claims of our storage class, and pods that use them", .serialized, .node)
struct ProvisionedTests {
  @Test("a claim and a pod are all it takes; the data survives the pod, and all is gone with the claim")
  func life() throws {
    try ClaimedVolume.with("claimed") { volume in
      try volume.startPod(Pod(name: "first"))
      let pv = try volume.pvName
      #expect(pv.hasPrefix("pvc-"))
      #expect(try ClaimedVolume.hasStorage(pv))
      try Cluster.inside("first", "echo kept >/data/file && sync")
      try Cluster.kubectl("delete", "pod", "first")
      try volume.startPod(Pod(name: "second"))
      #expect(try Cluster.inside("second", "cat /data/file") == "kept\n")
      #expect(
        try Cluster.kubectl(
          "get", "pv", pv, "-o", "jsonpath={.metadata.annotations.volumes\\.k8s\\.elastic\\.co/instance}") != "")
    }
  }

  @Test("a pod that uses the claim read-only gets a mount that is; one that writes beside it goes on")
  func readOnly() throws {
    try ClaimedVolume.with("read-only") { volume in
      try volume.startPod(Pod(name: "writer"))
      try Cluster.inside("writer", "echo kept >/data/file && sync")
      let reader = Pod(name: "reader").manifest(
        volume: "persistentVolumeClaim: {claimName: read-only, readOnly: true}", label: volume.name)
      try Cluster.apply(reader)
      try Cluster.awaitReady("reader")
      #expect(try Cluster.inside("reader", "cat /data/file") == "kept\n")
      #expect(throws: Trouble.self) { try Cluster.inside("reader", "touch /data/other") }
      try Cluster.inside("writer", "echo more >>/data/file && sync")
      // The container's own mount is the runtime's doing: ours is the one in the pod's directory.
      let pv = try volume.pvName
      let pods = try MountTable.current().entries.filter {
        $0.mountPoint.contains("/pods/") && $0.mountPoint.hasSuffix(pv)
      }
      #expect(pods.map(\.isReadOnly).sorted { !$0 && $1 } == [false, true])
    }
  }

  @Test("with Retain the volume stays when claim and PV go, and nothing removes it")
  func retained() throws {
    try Cluster.apply(Cluster.storageClass("keeping", "reclaimPolicy: Retain\nvolumeBindingMode: WaitForFirstConsumer"))
    var pv = ""
    try ClaimedVolume.with("retained", storageClass: "keeping") { volume in
      try volume.startPod(Pod(name: "pod"))
      pv = try volume.pvName
    }
    #expect(
      try eventually { try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.status.phase}") == "Released" })
    #expect(try ClaimedVolume.hasStorage(pv))
    try Cluster.kubectl("delete", "pv", pv, "--timeout=180s")
    #expect(try ClaimedVolume.hasStorage(pv))
    #expect(throws: Trouble.self) { try Cluster.node("remove", pv) }
    try Cluster.node("unretain", pv)
    #expect(try eventually(seconds: 240) { (try? Cluster.node("remove", pv)) != nil })
    #expect(try !ClaimedVolume.hasStorage(pv))
  }

  @Test("a PV that another claim names is kept with its volume, and goes when no claim names it any more")
  func named() throws {
    let (first, second) = (ClaimedVolume(name: "named-first"), ClaimedVolume(name: "named-second"))
    try Cluster.apply(first.manifest("elastic-local", "320Mi"))
    try first.startPod(Pod(name: "pod"))
    let pv = try first.pvName
    try Cluster.apply(second.manifest("elastic-local", "320Mi") + "\n  volumeName: \(pv)")
    try Cluster.kubectl("delete", "pod", "pod")
    try Cluster.kubectl("delete", "pvc", first.name, "--timeout=180s")
    // The second look is a minute after the first.
    #expect(try eventually(seconds: 300) { try timesTold(pv, "VolumeProtected") > 1 })
    #expect(try Cluster.events(of: "PersistentVolume", pv).contains("default/\(second.name) names this PV"))
    #expect(try ClaimedVolume.exists(pv) && ClaimedVolume.hasStorage(pv))
    try Cluster.kubectl("delete", "pvc", second.name, "--timeout=180s")
    #expect(try eventually { try !ClaimedVolume.exists(pv) })
    #expect(try !ClaimedVolume.hasStorage(pv))
  }

  private func timesTold(_ pv: String, _ reason: String) throws -> Int {
    let counts = try Cluster.kubectl(
      "get", "events", "--all-namespaces", "--field-selector", "involvedObject.name=\(pv),reason=\(reason)", "-o",
      "jsonpath={.items[*].count}")
    return counts.split(separator: " ").compactMap { Int($0) }.reduce(0, +)
  }

  @Test("with Immediate the PV is pinned by its first mount")
  func immediate() throws {
    try Cluster.apply(Cluster.storageClass("early", "volumeBindingMode: Immediate"))
    try ClaimedVolume.with("immediate", storageClass: "early") { volume in
      #expect(try eventually { try !volume.pvName.isEmpty })
      let pv = try volume.pvName
      #expect(try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.spec.nodeAffinity}") == "")
      try volume.startPod(Pod(name: "pod"))
      #expect(try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.spec.nodeAffinity}").contains("node1"))
    }
  }

  @Test("a claim that grows makes the mounted file system grow; one that is not mounted grows with its next pod")
  func growth() throws {
    try Cluster.apply(
      Cluster.storageClass("growing", "volumeBindingMode: WaitForFirstConsumer\nparameters: {fsType: xfs}"))
    try ClaimedVolume.with("growing", storageClass: "growing") { volume in
      try volume.startPod(Pod(name: "pod"))
      let before = try sizeInMiB()
      try resize(volume, to: "640Mi")
      #expect(try eventually(seconds: 240) { try sizeInMiB() > before + 250 })
      try Cluster.kubectl("delete", "pod", "pod")
      try resize(volume, to: "1Gi")
      try volume.startPod(Pod(name: "pod"))
      #expect(try eventually(seconds: 240) { try sizeInMiB() > before + 600 })
      #expect(
        try eventually {
          try Cluster.kubectl("get", "pvc", volume.name, "-o", "jsonpath={.status.capacity.storage}") == "1Gi"
        })
    }
  }

  @Test("a volume that mkfs does not make says so on claim and PV, in one Event that counts, and goes with its claim")
  func unmakeable() throws {
    try Cluster.apply(
      Cluster.storageClass(
        "unmakeable", "volumeBindingMode: WaitForFirstConsumer\nparameters: {mkfsOptions: '-O no_such_feature'}"))
    try ClaimedVolume.with("unmakeable", storageClass: "unmakeable") { volume in
      try Cluster.apply(Pod(name: "waiting").manifest(claim: volume.name))
      let lines = "jsonpath={range .items[*]}{.count} {.involvedObject.kind} {.message}{\"\\n\"}{end}"
      let isCounted = try eventually(seconds: 240) {
        try Cluster.kubectl("get", "events", "-o", lines).split(separator: "\n").contains { line in
          let words = line.split(separator: " ", maxSplits: 2)
          return words.count == 3 && words[1] == "PersistentVolumeClaim" && words[2].contains("no_such_feature")
            && Int(words[0]) ?? 0 > 1
        }
      }
      let events = try volume.events
      #expect(isCounted, "\(events)")
    }
  }

  private func resize(_ volume: ClaimedVolume, to size: String) throws {
    let patch = "{\"spec\": {\"resources\": {\"requests\": {\"storage\": \"\(size)\"}}}}"
    try Cluster.kubectl("patch", "pvc", volume.name, "--patch", patch)
  }

  private func sizeInMiB() throws -> Int {
    let line = try Cluster.inside("pod", "df -mP /data | tail -n 1")
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  @Test("a PV that is deleted before its claim keeps the data until the claim goes")
  func volumeFirst() throws {
    try ClaimedVolume.with("volume-first") { volume in
      try volume.startPod(Pod(name: "pod"))
      let pv = try volume.pvName
      try Cluster.inside("pod", "echo kept >/data/file && sync")
      try Cluster.kubectl("delete", "pv", pv, "--wait=false")
      try Cluster.kubectl("delete", "pod", "pod")
      ThreadSleep.sleep(.seconds(3))
      #expect(try ClaimedVolume.hasStorage(pv))
      try volume.startPod(Pod(name: "pod"))
      #expect(try Cluster.inside("pod", "cat /data/file") == "kept\n")
    }
  }

  @Test("each of a StatefulSet's pods has a volume of its own, which waits for it while it is scaled down")
  func statefulSet() throws {
    try Cluster.apply(Self.statefulSet)
    defer { _ = try? Cluster.kubectl("delete", "statefulset", "set", "--ignore-not-found") }
    try Cluster.kubectl("rollout", "status", "statefulset/set", "--timeout=300s")
    for number in 0..<3 { try Cluster.inside("set-\(number)", "hostname >/data/file && sync") }
    try Cluster.kubectl("scale", "statefulset", "set", "--replicas=1")
    #expect(try eventually { try Cluster.kubectl("get", "pod", "set-2", "--ignore-not-found").isEmpty })
    try Cluster.kubectl("scale", "statefulset", "set", "--replicas=3")
    try Cluster.kubectl("rollout", "status", "statefulset/set", "--timeout=300s")
    for number in 0..<3 {
      #expect(try Cluster.inside("set-\(number)", "cat /data/file") == "set-\(number)\n")
    }
    try Cluster.kubectl("delete", "statefulset", "set", "--timeout=180s")
    for number in 0..<3 { try ClaimedVolume(name: "data-set-\(number)").remove() }
  }

  private static let statefulSet = """
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: set}
    spec:
      replicas: 3
      serviceName: set
      selector: {matchLabels: {app: set}}
      template:
        metadata: {labels: {app: set}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
          - name: main
            image: localhost/busybox:1
            imagePullPolicy: Never
            command: [sh, -c, "sleep 100000"]
            volumeMounts: [{name: data, mountPath: /data}]
      volumeClaimTemplates:
      - metadata: {name: data}
        spec:
          accessModes: [ReadWriteOnce]
          storageClassName: elastic-local
          resources: {requests: {storage: 320Mi}}
    """
}
