import JSON
import KubernetesAPI
import LinuxSystem
import StorageModel

/// Lists and watches volumes and claims of the cluster that ELASTIC_LOCAL_CLUSTER names, and prints what it costs.
@main
enum Measure {
  static func main() async throws {
    OwnProcess.keepAllocatorSmall()
    guard let path = OwnProcess.environment["ELASTIC_LOCAL_CLUSTER"] else {
      print("ELASTIC_LOCAL_CLUSTER=KUBECONFIG is wanted")
      return
    }
    let client = APIClient(try CurlTransport(ConnectionConfiguration.kubeconfig(path)))
    let arguments = OwnProcess.arguments
    switch arguments.first {
    case "fill": try await fill(client, Int(arguments.dropFirst().first ?? "") ?? 10_000)
    case "selected": await follow(client, Selection(labels: "bench-node=n7"), claims: false, seconds: arguments)
    case "kept": await follow(client, .all, claims: false, seconds: arguments, node: "n7")
    case "all": await follow(client, .all, claims: true, seconds: arguments)
    case "churn": try await churn(client, Int(arguments.dropFirst().first ?? "") ?? 1000)
    default: print("fill COUNT | selected|kept|all [SECONDS] | churn COUNT")
    }
  }
}

extension Measure {
  /// Follows volumes, and claims too, prints memory when they are there and then every five seconds.
  static func follow(
    _ client: APIClient, _ selection: Selection, claims: Bool, seconds: [String], node: String? = nil
  ) async {
    let begin = ContinuousClock.now
    let volumes = Reflector<PersistentVolume, PersistentVolume>(client, selection, report: report) { volume in
      node.map { volume.metadata.labels["bench-node"] == $0 } ?? true ? volume : nil
    }
    let all = Reflector<PersistentVolumeClaim, PersistentVolumeClaim>(client, report: report) { $0 }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await volumes.run { _ in } }
      if claims { group.addTask { await all.run { _ in } } }
      while !volumes.isSynced || claims && !all.isSynced { try? await Task.sleep(for: .milliseconds(5)) }
      print("\(volumes.count) volumes, \(all.count) claims after \(ContinuousClock.now - begin); \(memory())")
      OwnProcess.returnFreeMemory()
      print("free memory given back: \(memory())")
      let end = ContinuousClock.now + .seconds(Int(seconds.dropFirst().first ?? "") ?? 0)
      while ContinuousClock.now < end {
        try? await Task.sleep(for: .seconds(5))
        print("\(volumes.count) volumes: \(memory())")
      }
      group.cancelAll()
    }
  }

  @Sendable static func report(_ error: APIError, _ wait: Duration) { print("\(error); again in \(wait)") }

  static func memory() -> String {
    let lines = (try? Files.readText("/proc/self/status"))?.split(separator: "\n") ?? []
    let wanted = lines.filter { ["VmHWM", "VmRSS", "RssAnon", "Threads"].contains($0.prefix { $0 != ":" }) }
    return wanted.map { $0.filter { $0 != "\t" } }.joined(separator: ", ")
  }
}

extension Measure {
  /// Makes volumes, each hundredth for node n7, and as many claims.
  static func fill(_ client: APIClient, _ count: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        if number >= 16 { try await group.next() }
        group.addTask { try await make(client, number) }
      }
      try await group.waitForAll()
    }
  }

  private static func make(_ client: APIClient, _ number: Int) async throws {
    let uid = "\(String(number + 10_000_000))-1234-4234-8234-123456789abc"
    let node = number % 100 == 7 ? "n7" : "n\(number % 97 + 100)"
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: "pvc-\(uid)",
        labels: ["volumes.k8s.elastic.co/node-affinity": "worker-\(node).example.org", "bench-node": node],
        annotations: ["pv.kubernetes.io/provisioned-by": "elastic-local.volumes.k8s.elastic.co"],
        finalizers: ["volumes.k8s.elastic.co/reclaim"]))
    volume.capacity = Quantity(ByteCount.gibibytes(10))
    volume.accessModes = ["ReadWriteOnce"]
    volume.reclaimPolicy = "Delete"
    volume.storageClassName = "elastic-local"
    volume.claim = ObjectReference(
      apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: "default", name: "data-elasticsearch-\(number)")
    volume.nodeAffinity = NodeSelector(label: "kubernetes.io/hostname", in: ["worker-\(node).example.org"])
    volume.flexVolume = FlexVolumeSource(
      driver: ProductNames.driver, fsType: "xfs",
      options: ["sizeBytes": "10737418240", "volumeGroup": "elastic-local-vg", "claimUID": uid])
    let claim: JSONValue = [
      "apiVersion": "v1", "kind": "PersistentVolumeClaim",
      "metadata": ["name": .string("data-elasticsearch-\(number)"), "namespace": "default"],
      "spec": [
        "accessModes": ["ReadWriteOnce"], "storageClassName": "elastic-local",
        "resources": ["requests": ["storage": "10Gi"]], "volumeName": .string("pvc-\(uid)"),
      ],
    ]
    do throws(APIError) {
      _ = try await client.create(volume)
      _ = try await client.create(claim, in: "default", as: PersistentVolumeClaim.resource)
    } catch {
      guard error.kind == .alreadyExists else { throw error }
    }
  }

  /// Changes volumes of node n7 one after the other.
  static func churn(_ client: APIClient, _ count: Int) async throws {
    var keys: [ObjectKey] = []
    try await client.list(PersistentVolume.self, Selection(labels: "bench-node=n7")) { keys.append($0.metadata.key) }
    for number in 0..<count {
      _ = try await client.patch(
        PersistentVolume.self, keys[number % keys.count],
        .merge(["metadata": ["annotations": ["bench": .string("change \(number)")]]]))
    }
  }
}
