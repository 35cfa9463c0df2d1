import LinuxSystem
import Testing

@Suite("One volume for a whole namespace", .serialized, .node)
struct NamespaceVolumeTests {
  @Test(
    "the label is all it takes: the claim is bound before any pod, and the data is there again in the namespace created again"
  )
  func label() throws {
    try LabelledNamespace.with("one-volume") { namespace in
      try namespace.awaitBound()
      let first = try namespace.volume
      try namespace.startPod(Pod(name: "writer"))
      try namespace.inside("writer", "echo kept >/data/file && sync")
      try namespace.remove()
      try namespace.create()
      try namespace.awaitBound()
      #expect(try namespace.volume == first)
      try namespace.startPod(Pod(name: "reader"))
      #expect(try namespace.inside("reader", "cat /data/file") == "kept\n")
    }
  }

  @Test("the claim that somebody deletes comes again, with its data")
  func claim() throws {
    try LabelledNamespace.with("claim-again") { namespace in
      try namespace.awaitBound()
      try namespace.startPod(Pod(name: "writer"))
      try namespace.inside("writer", "echo kept >/data/file && sync")
      let former = try namespace.claim("{.metadata.uid}")
      try namespace.kubectl("delete", "pod", "writer")
      try namespace.kubectl("delete", "pvc", LabelledNamespace.claim, "--timeout=180s")
      #expect(try eventually { try !["", former].contains(namespace.claim("{.metadata.uid}")) })
      try namespace.awaitBound()
      try namespace.startPod(Pod(name: "reader"))
      #expect(try namespace.inside("reader", "cat /data/file") == "kept\n")
    }
  }

  @Test("a raised label makes the mounted file system grow; a second one follows when the first growth has ended")
  func growth() throws {
    // ext4 in use would need a capability that sandboxes take away.
    try Cluster.apply(Cluster.storageClass("kept-xfs", "parameters: {keep: forever, fsType: xfs}"))
    try LabelledNamespace.with("growing-namespace", storageClass: "kept-xfs") { namespace in
      try namespace.awaitBound()
      try namespace.startPod(Pod(name: "pod"))
      let before = try namespace.sizeInMiB("pod")
      try namespace.label("480Mi")
      try namespace.label("640Mi")
      #expect(try eventually { try namespace.sizeInMiB("pod") > before + 250 })
      #expect(try eventually { try namespace.claim("{.status.capacity.storage}") == "640Mi" })
    }
  }

  @Test("a label that is no size, and a user's claim of that name: Events in the namespace say so")
  func refusals() throws {
    let name = "refused-namespace"
    let namespace = LabelledNamespace(name: name)
    try namespace.create(size: "much")
    defer { _ = try? Cluster.kubectl("delete", "namespace", name, "--timeout=180s") }
    #expect(try eventually { try namespace.events.contains("InvalidNamespaceVolume") })
    let claim = ClaimedVolume(name: LabelledNamespace.claim).manifest("elastic-local", "320Mi")
      .replacing("metadata: {", with: "metadata: {namespace: \(name), ")
    try Cluster.apply(claim)
    try namespace.label("320Mi")
    #expect(try eventually { try namespace.events.contains("NamespaceVolumeConflict") })
    #expect(try namespace.claim("{.spec.storageClassName}") == "elastic-local")
  }

  @Test(
    "an empty directory of it is seeded from an image before the pod's first command, and a non-root user can write there"
  )
  func seeded() throws {
    let printed = try Cluster.part("elastic-local-provisioner", "directory", "named", "config")
    let directory = try #require(printed.split(separator: "\n").first.map(String.init))
    #expect(directory == "volume/b79606fb3afea5bd1609ed40b622142f")
    try LabelledNamespace.with("seeded-namespace") { namespace in
      try namespace.awaitBound()
      try Cluster.apply(Self.seededPod(namespace.name, directory))
      try namespace.awaitReady("seeded")
      #expect(try namespace.inside("seeded", "cat /results/first") == "seeded file by 1000, link to file\n")
      try namespace.inside("seeded", "echo changed >/config/file && touch /config/other && rm /config/other && sync")
      try namespace.kubectl("delete", "pod", "seeded")
      try Cluster.apply(Self.seededPod(namespace.name, directory))
      try namespace.awaitReady("seeded")
      #expect(try namespace.inside("seeded", "cat /config/file") == "changed\n")
    }
  }

  /// The seeding of `daemonset/samples/namespace.yaml`, of a directory of an image that belongs to a user.
  private static func seededPod(_ namespace: String, _ directory: String) throws -> String {
    let sample = try Files.readText("\(Cluster.project)/daemonset/samples/namespace.yaml")
    let script = sample.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      .drop { !$0.contains("from=/etc") }.prefix { $0.hasPrefix("          ") }.dropFirst()
      .map { String($0.dropFirst(10)) }
    try #require(script.last?.hasPrefix("mv ") == true, "the sample has changed: \(script)")
    let image = "mkdir /image && cd /image && echo seeded >file && ln -s file link && chown -R 1000:1000 /image"
    let lines = ["\(image) && chown -h 1000:1000 link", "from=/image to=/volume/\(directory)"] + script
    return """
      apiVersion: v1
      kind: Pod
      metadata:
        name: seeded
        namespace: \(namespace)
        # Otherwise kubectl says beside the output which container it has chosen.
        annotations: {kubectl.kubernetes.io/default-container: main}
      spec:
        terminationGracePeriodSeconds: 0
        initContainers:
        - name: seed
          image: localhost/busybox:1
          imagePullPolicy: Never
          command:
          - sh
          - -euc
          - |
      \(lines.map { "      " + $0 }.joined(separator: "\n"))
          volumeMounts: [{name: data, mountPath: /volume}]
        containers:
        - name: main
          image: localhost/busybox:1
          imagePullPolicy: Never
          command: [sh, -c, "\(firstCommand)"]
          securityContext: {runAsUser: 1000, runAsNonRoot: true}
          volumeMounts:
          - {name: data, mountPath: /config, subPath: \(directory)}
          - {name: results, mountPath: /results}
        volumes:
        - {name: data, persistentVolumeClaim: {claimName: \(LabelledNamespace.claim)}}
        - {name: results, emptyDir: {}}
      """
  }

  private static let firstCommand =
    "echo $(cat /config/file) file by $(stat -c %u /config/file), link to $(readlink /config/link) >/results/first; sleep 100000"
}

/// A namespace that asks for a volume of the class that keeps them.
private struct LabelledNamespace {
  static let claim = "namespace-volume"
  let name: String
  var storageClass = "elastic-local-kept"

  /// Creates the class and the namespace, runs the body, and removes the namespace with its data.
  static func with(
    _ name: String, storageClass: String = "elastic-local-kept", _ body: (LabelledNamespace) throws -> Void
  ) throws {
    try Manifests.apply("daemonset/overlays/kept")
    let namespace = LabelledNamespace(name: name, storageClass: storageClass)
    try namespace.create()
    let result = Result { try body(namespace) }
    try namespace.kubectl("delete", "pod", "--all", "--timeout=180s")
    try namespace.removeWithData()
    try result.get()
  }

  func create(size: String = "320Mi") throws {
    try Cluster.apply(
      """
      apiVersion: v1
      kind: Namespace
      metadata:
        name: \(name)
        labels: {volumes.k8s.elastic.co/namespace-volume: \(size)}
        annotations: {volumes.k8s.elastic.co/namespace-volume-class: \(storageClass)}
      """)
  }

  func remove() throws { try Cluster.kubectl("delete", "namespace", name, "--timeout=240s") }

  private func removeWithData() throws {
    let pv = try volume
    try kubectl(
      "annotate", "pvc", Self.claim, "volumes.k8s.elastic.co/delete-data=true", "--overwrite")
    try remove()
    guard !pv.isEmpty else { return }
    #expect(try eventually { try !ClaimedVolume.exists(pv) }, "\(pv) stays")
    #expect(try !ClaimedVolume.hasStorage(pv))
  }

  func label(_ size: String) throws {
    try Cluster.kubectl(
      "label", "namespace", name, "volumes.k8s.elastic.co/namespace-volume=\(size)", "--overwrite")
  }

  func awaitBound(at location: SourceLocation = #_sourceLocation) throws {
    let isBound = try eventually { try claim("{.status.phase}") == "Bound" }
    let found = try isBound ? "" : Cluster.kubectl("get", "pvc,events", "--namespace", name)
    try #require(isBound, "\(found)", sourceLocation: location)
  }

  /// A field of the claim; empty where there is none.
  func claim(_ path: String) throws -> String {
    try kubectl("get", "pvc", Self.claim, "--ignore-not-found", "-o", "jsonpath=\(path)")
  }

  /// The name of the claim's PV.
  var volume: String { get throws { try claim("{.spec.volumeName}") } }

  /// The reasons of Events on the namespace, as its users see them.
  var events: String {
    get throws {
      try kubectl(
        "get", "events", "--field-selector", "involvedObject.kind=Namespace,involvedObject.name=\(name)", "-o",
        "jsonpath={.items[*].reason}")
    }
  }

  func startPod(_ pod: Pod) throws {
    let manifest = pod.manifest(claim: Self.claim).replacing("metadata: {", with: "metadata: {namespace: \(name), ")
    try Cluster.apply(manifest)
    try awaitReady(pod.name)
  }

  func awaitReady(_ pod: String) throws {
    do {
      try kubectl("wait", "--for=condition=Ready", "pod/\(pod)", "--timeout=180s")
    } catch {
      throw Trouble("\(error)\n\(try kubectl("describe", "pod", pod))")
    }
  }

  @discardableResult
  func inside(_ pod: String, _ script: String) throws -> String {
    try kubectl("exec", pod, "--", "sh", "-c", script)
  }

  func sizeInMiB(_ pod: String) throws -> Int {
    let line = try inside(pod, "df -mP /data | tail -n 1")
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }

  @discardableResult
  func kubectl(_ arguments: String..., at location: SourceLocation = #_sourceLocation) throws -> String {
    try Cluster.kubectl(in: name, arguments, at: location)
  }
}
