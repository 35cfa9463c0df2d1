import JSON
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@Suite("With a real API server", .enabled(if: Cluster.isGiven))
struct ClusterTests {
  private func volume(_ name: String, labels: StringMap = [:], size: ByteCount = .gibibytes(3)) -> PersistentVolume {
    var volume = PersistentVolume(
      metadata: ObjectMeta(
        name: name, labels: labels, annotations: ["a.example/b": "c"], finalizers: ["test.example/finalizer"]))
    volume.capacity = Quantity(size)
    volume.accessModes = ["ReadWriteOnce"]
    volume.reclaimPolicy = "Retain"
    volume.storageClassName = "test-\(name)"
    volume.nodeAffinity = NodeSelector(label: "kubernetes.io/hostname", in: ["n1"])
    volume.flexVolume = FlexVolumeSource(driver: ProductNames.driver, fsType: "xfs", options: ["sizeBytes": "1"])
    return volume
  }

  private func remove(_ client: APIClient, _ name: String) async throws {
    let key = ObjectKey(name: name)
    // The label may be gone, the finalizer too.
    _ = try? await client.patch(PersistentVolume.self, key, .merge(["metadata": ["finalizers": .null]]))
    do throws(APIError) {
      try await client.delete(PersistentVolume.resource, key, uid: "")
    } catch {
      guard error.kind == .notFound else { throw error }
    }
  }

  @Test("the contract that the simulated server keeps", arguments: APIServerContract.Rule.allCases)
  func contract(rule: APIServerContract.Rule) async throws {
    let server = try CurlTransport(Cluster.configuration())
    try await APIServerContract(server, word: Cluster.name("contract")).check(rule)
  }

  @Test("what is created comes back as it was written")
  func creation() async throws {
    let (client, name) = (try Cluster.client(), Cluster.name("creation"))
    let written = volume(name)
    let created = try await client.create(written)
    var expected = written
    expected.metadata.finalizers.append("kubernetes.io/pv-protection")
    expected.metadata.uid = created.metadata.uid
    expected.metadata.resourceVersion = created.metadata.resourceVersion
    // Admission adds the protection's finalizer, in whatever order.
    var actual = created
    actual.metadata.finalizers.sort()
    expected.metadata.finalizers.sort()
    #expect(actual.json() == expected.json())
    #expect(!created.metadata.uid.isEmpty && created.metadata.creationTimestamp != nil)
    let again = await #expect(throws: APIError.self) { try await client.create(written) }
    #expect(again?.kind == .alreadyExists)
    try await remove(client, name)
  }

  @Test("patches count only while their preconditions hold; deletion too")
  func preconditions() async throws {
    let (client, name) = (try Cluster.client(), Cluster.name("patch"))
    let key = ObjectKey(name: name)
    var created = try await client.create(volume(name))
    // The controller writes the phase once; after that nobody but us changes the volume.
    for _ in 0..<500 where created.phase != "Available" {
      try await Task.sleep(for: .milliseconds(20))
      created = try await client.get(PersistentVolume.self, key)
    }
    let changed = try await client.patch(
      PersistentVolume.self, key, .merge(["metadata": ["annotations": ["x": "y"]]], ifStill: created.metadata))
    #expect(changed.metadata.annotations == ["a.example/b": "c", "x": "y"])
    let stale = await #expect(throws: APIError.self) {
      try await client.patch(
        PersistentVolume.self, key, .merge(["metadata": ["annotations": ["x": "z"]]], ifStill: created.metadata))
    }
    #expect(stale?.kind == .conflict)
    let failed = await #expect(throws: APIError.self) {
      try await client.patch(
        PersistentVolume.self, key,
        .operations([
          .test("metadata", "annotations", "x", value: "other"), .remove("metadata", "annotations", "x"),
        ]))
    }
    #expect(failed?.kind == .invalid, "\(String(describing: failed))")
    let tested = try await client.patch(
      PersistentVolume.self, key,
      .operations([
        .test("metadata", "annotations", "a.example/b", value: "c"),
        .remove("metadata", "annotations", "a.example/b"),
      ]))
    #expect(tested.metadata.annotations == ["x": "y"])
    let wrong = await #expect(throws: APIError.self) {
      try await client.delete(PersistentVolume.resource, key, uid: "11111111-2222-3333-4444-555555555555")
    }
    #expect(wrong?.kind == .conflict)
    try await client.delete(PersistentVolume.resource, key, uid: created.metadata.uid)
    #expect(try await client.get(PersistentVolume.self, key).metadata.isBeingDeleted)
    try await remove(client, name)
    let gone = await #expect(throws: APIError.self) { try await client.get(PersistentVolume.self, key) }
    #expect(gone?.kind == .notFound)
  }

  @Test("an invalid object is refused with the fields that are wrong")
  func invalid() async throws {
    let client = try Cluster.client()
    var wrong = volume(Cluster.name("invalid"))
    wrong.accessModes = ["Sometimes"]
    let error = await #expect(throws: APIError.self) { try await client.create(wrong) }
    #expect(error?.kind == .invalid && error?.causes.contains { $0.field.hasPrefix("spec.accessModes") } == true)
    #expect(error?.mayHaveHappened == false)
  }

  @Test("a quantity is printed as the server prints it")
  func quantities() async throws {
    let client = try Cluster.client()
    for text in ["1024Mi", "1.5Gi", "0.5Gi", "1e9", "1000M", "1.500G", "100.035Ki", "1e3", "+5Gi", "12E", "5"] {
      let (name, quantity) = (Cluster.name("quantity"), try Quantity(parsing: text))
      guard case .object(var members) = volume(name).json() else { continue }
      members = members.map { member in
        member.key == "spec"
          ? .init("spec", member.value.replacing("capacity", by: ["storage": .string(text)])) : member
      }
      let reply = try await client.create(.object(members), as: PersistentVolume.resource)
      let stored = String(decoding: reply, as: UTF8.self)
      #expect(
        stored.contains(#""capacity":{"storage":"\#(quantity)"}"#), "\(text) is printed as \(quantity): \(stored)")
      try await remove(client, name)
    }
  }

  @Test("a reflector shows the changes of other clients, by a list in pages and a watch")
  func reflector() async throws {
    let (client, label) = (try Cluster.client(), Cluster.name("label"))
    let names = (0..<5).map { "\(label)-\($0)" }
    for name in names.prefix(3) { _ = try await client.create(volume(name, labels: ["test": label])) }
    let reflector = Reflector<PersistentVolume, StringMap>(client, Selection(labels: "test=\(label)")) {
      $0.metadata.annotations
    }
    let removed = Mutex<[String]>([])
    let task = Task {
      await reflector.run { change in
        if case .removed(let key, _) = change { removed.withLock { $0.append(key.name) } }
      }
    }
    #expect(await eventually { reflector.isSynced && reflector.count == 3 })
    for name in names.suffix(2) { _ = try await client.create(volume(name, labels: ["test": label])) }
    #expect(await eventually { reflector.count == 5 })
    let key = ObjectKey(name: names[0])
    _ = try await client.patch(PersistentVolume.self, key, .merge(["metadata": ["annotations": ["new": "1"]]]))
    #expect(await eventually { reflector.value(key)?["new"] == "1" })
    // An object that loses its label leaves the selection: the server says so as a deletion.
    _ = try await client.patch(
      PersistentVolume.self, ObjectKey(name: names[1]), .merge(["metadata": ["labels": ["test": .null]]]))
    try await remove(client, names[2])
    #expect(await eventually { reflector.count == 3 })
    #expect(Set(removed.withLock { $0 }) == Set(names[1...2]))
    task.cancel()
    await task.value
    for name in names { try await remove(client, name) }
  }

  @Test("the versions that the server has are found")
  func discovery() async throws {
    let client = try Cluster.client()
    let versions = ["v1", "v1beta1", "v1alpha1"]
    #expect(try await client.serverVersion().hasPrefix("v1."))
    #expect(try await client.served(StorageClass.resource, in: versions)?.version == "v1")
    #expect(try await client.served(Node.resource, in: versions)?.apiVersion == "v1")
    let capacity = try await client.served(CSIStorageCapacity.resource, in: versions)
    // Alpha in 1.19 and 1.20, and then only where it is switched on.
    if let capacity {
      var object = CSIStorageCapacity(metadata: ObjectMeta(name: Cluster.name("capacity"), namespace: "default"))
      object.storageClassName = "c"
      object.nodeLabels = ["kubernetes.io/hostname": "n"]
      object.capacity = Quantity(ByteCount.gibibytes(5))
      let made = try await client.create(object, as: capacity)
      #expect(made.capacity == object.capacity && made.nodeLabels == object.nodeLabels)
      try await client.delete(capacity, made.metadata.key, uid: made.metadata.uid)
    }
  }

  @Test("a wrong authority, a wrong token and a missing permission are named")
  func refusals() async throws {
    var configuration = try Cluster.configuration()
    (configuration.certificate, configuration.key, configuration.token) = (nil, nil, .inline(Array("wrong".utf8)))
    let key = ObjectKey(name: "x")
    let unauthorized = await #expect(throws: APIError.self) {
      try await APIClient(try CurlTransport(configuration)).get(Node.self, key)
    }
    #expect(unauthorized?.kind == .unauthorized && unauthorized?.message.contains("clocks agree") == true)
    configuration.token = nil
    let forbidden = await #expect(throws: APIError.self) {
      try await APIClient(try CurlTransport(configuration)).get(Node.self, key)
    }
    #expect(forbidden?.kind == .forbidden && forbidden?.message.contains("system:anonymous") == true)
  }
}

extension JSONValue {
  fileprivate func replacing(_ name: String, by value: JSONValue) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.map { $0.key == name ? .init(name, value) : $0 })
  }
}
