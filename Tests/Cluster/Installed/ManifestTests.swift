import LinuxSystem
import Testing

/// `daemonset/` on a real API server, with our programs as processes that have the rights of their accounts. Volumes are
/// simulated.
@Suite("What is in daemonset/", .serialized, .controlPlane)
struct ManifestTests {
  @Test("kustomize makes each part of it, and the API server accepts every object")
  func accepted() throws {
    // A trial creates nothing, so what is in a namespace needs it before.
    let namespaces = [Product.namespace, "sample-namespace"]
    for namespace in namespaces { try Cluster.kubectl("create", "--save-config", "namespace", namespace) }
    for directory in try Manifests.directories {
      let objects = try Cluster.path("objects.yaml")
      try Cluster.shell("kubectl kustomize '\(Cluster.project)/\(directory)' >'\(objects)'")
      let accepted = try Cluster.kubectl("apply", "--dry-run=server", "-f", objects).split(separator: "\n").count
      let count = try Cluster.shell("grep -c '^kind:' '\(objects)'")
      #expect("\(accepted)\n" == count, "\(directory): not every object was accepted")
    }
    for namespace in namespaces { try Cluster.kubectl("delete", "namespace", namespace) }
  }

  @Test(
    "installed, its rights are enough: claims live, a lost disk is told of, the only node is drained, nothing is refused"
  )
  func rights() throws {
    let (daemon, provisioner) = try install()
    try aClaimLives(daemon)
    try threeVolumesAreMade(daemon)
    try aNamespaceGetsItsClaim()
    try expectNothingRefused(daemon, provisioner)
    try theDiskIsLost(daemon)
    try expectNothingRefused(daemon, provisioner)
    _ = try provisioner.metrics()
    try everyMetricIsThere(daemon, provisioner)
    try theOnlyNodeIsDrained()
  }

  private func install() throws -> (daemon: ProductProcess, provisioner: ProductProcess) {
    try Manifests.apply(Manifests.installation)
    try Cluster.lab("add-simulated-node", "node1")
    try #require(try eventually { try !podOfDaemon.isEmpty })
    let daemon = try ProductProcess.daemon(of: "node1", engine: "simulated", ["--pod-name", podOfDaemon])
    let provisioner = try ProductProcess.provisioner()
    try daemon.start()
    try provisioner.start()
    try provisioner.awaitMetric("elastic_local_provisioner_synced 1")
    try #require(
      try eventually {
        try !Cluster.kubectl(
          "get", "csistoragecapacity", "elastic-local.node1.elastic-local", "--namespace", Product.namespace, "-o",
          "name",
          "--ignore-not-found"
        ).isEmpty
      }, "no free space for the scheduler")
    return (daemon, provisioner)
  }

  private var podOfDaemon: String {
    get throws {
      try Cluster.kubectl(
        "get", "pods", "--namespace", Product.namespace, "-l", "app.kubernetes.io/component=node", "-o",
        "jsonpath={.items[*].metadata.name}")
    }
  }

  private func aClaimLives(_ daemon: ProductProcess) throws {
    try Manifests.apply("daemonset/samples/pod.yaml")
    try #require(try eventually { try field("pvc", "sample", "{.status.phase}") == "Bound" })
    let volume = try field("pvc", "sample", "{.spec.volumeName}")
    try #require(
      try eventually {
        try daemon.log.split(separator: "\n").contains { $0.contains("volume formatted") && $0.contains(volume) }
      }, "no volume was made")
    try #require(try eventually { try field("pv", volume, "{.metadata.annotations}").contains("instance") })
    try Cluster.kubectl(
      "patch", "pvc", "sample", "--type=merge", "-p", #"{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}"#)
    try #require(try eventually { try field("pv", volume, "{.spec.capacity.storage}") == "2Gi" })
    let resizing = #"{.status.conditions[?(@.type=="FileSystemResizePending")].status}"#
    try #require(try eventually { try field("pvc", "sample", resizing) == "True" })
    try Cluster.kubectl(
      "delete", "-f", "\(Cluster.project)/daemonset/samples/pod.yaml", "--grace-period=0", "--force", "--wait=false")
    try #require(try eventually { try Cluster.kubectl("get", "pv", "-o", "name").isEmpty }, "a PV is left")
  }

  private func threeVolumesAreMade(_ daemon: ProductProcess) throws {
    try Manifests.apply("daemonset/samples/statefulset.yaml")
    try daemon.awaitMetric(#"elastic_local_group_volumes{group="simulated-vg"} 3"#)
  }

  private func aNamespaceGetsItsClaim() throws {
    let (namespace, label) = ("labelled", "volumes.k8s.elastic.co/namespace-volume")
    try Manifests.apply("daemonset/overlays/kept")
    try Cluster.kubectl("create", "namespace", namespace)
    try Cluster.kubectl("label", "namespace", namespace, "\(label)=1Gi")
    func field(_ path: String) throws -> String {
      try Cluster.kubectl(
        in: namespace, ["get", "pvc", "namespace-volume", "-o", "jsonpath=\(path)", "--ignore-not-found"])
    }
    try #require(try eventually { try field("{.status.phase}") == "Bound" })
    try Cluster.kubectl("label", "namespace", namespace, "\(label)=2Gi", "--overwrite")
    try #require(try eventually { try field("{.spec.resources.requests.storage}") == "2Gi" })
    try Cluster.kubectl("label", "namespace", namespace, "\(label)=much", "--overwrite")
    try #require(
      try eventually {
        try Cluster.kubectl(in: namespace, ["get", "events", "-o", "name"]).contains("event/labelled.")
      }, "no Event in the namespace")
  }

  /// A simulated disk is gone with its daemon: the PVs say that there were volumes, and there are none.
  private func theDiskIsLost(_ daemon: ProductProcess) throws {
    try daemon.stop()
    try daemon.startAgain()
    try daemon.awaitMetric("elastic_local_lost_volumes 3")
    try #require(try eventually { try Cluster.kubectl("get", "events").contains("VolumeLost") })
    try daemon.awaitMetric("elastic_local_orphans 0")
  }

  private func expectNothingRefused(_ programs: ProductProcess...) throws {
    for program in programs {
      let refused = try program.log.split(separator: "\n").filter {
        $0.lowercased().contains("forbidden") || $0.lowercased().contains("unauthorized")
      }
      #expect(refused.isEmpty, "a right of \(program.name) is missing")
    }
  }

  private func everyMetricIsThere(_ programs: ProductProcess...) throws {
    let pages = try programs.map { "'\(try $0.metricsPage)'" }.joined(separator: " ")
    try Cluster.shell("'\(Cluster.project)/lab/monitoring' \(pages)")
  }

  /// The pods of a simulated node never end by themselves, so they get no time to: what is looked at is that nothing forbids
  /// it. Both provisioners count as ready before, as on a node that works.
  private func theOnlyNodeIsDrained() throws {
    let provisioners = try Cluster.kubectl(
      "get", "pods", "--namespace", Product.namespace, "-l", "app.kubernetes.io/component=provisioner", "-o",
      "jsonpath={.items[*].metadata.name}")
    for pod in provisioners.split(separator: " ") {
      #expect(try eventually(seconds: 30) { (try? makeReady(String(pod))) != nil })
    }
    try Cluster.kubectl(
      "drain", "node1", "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--grace-period=0", "--timeout=60s")
  }

  private func makeReady(_ pod: String) throws {
    try Cluster.shell(
      """
      kubectl --namespace \(Product.namespace) get pod \(pod) -o json |
        jq '.status.phase = "Running" | .status.conditions = [.status.conditions[]? | select(.type != "Ready")] +
          [{type: "Ready", status: "True"}]' |
        kubectl replace --raw /api/v1/namespaces/\(Product.namespace)/pods/\(pod)/status -f -
      """)
  }

  private func field(_ kind: String, _ name: String, _ path: String) throws -> String {
    try Cluster.kubectl("get", kind, name, "-o", "jsonpath=\(path)", "--ignore-not-found")
  }
}
