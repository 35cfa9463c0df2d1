import JSON
package import KubernetesAPI
internal import LinuxSystem
internal import StorageModel

/// What our programs depend on of an API server, rule by rule. Plain code, so that it runs with ``SimulatedAPIServer`` and
/// with a real one. Its objects are leases in one namespace and PVs, of names that nobody else uses.
package struct APIServerContract: Sendable {
  private let transport: any APITransport
  private let client: APIClient
  private let namespace: String
  private let word: String

  /// - Parameter word: begins the names of all objects.
  package init(_ transport: any APITransport, namespace: String = "default", word: String) {
    self.transport = transport
    client = APIClient(transport)
    self.namespace = namespace
    self.word = word
  }

  package enum Rule: String, CaseIterable, Sendable {
    case created = "what is created comes back with UID, version and time, and cannot be created again"
    case missing = "what is not there is not found, whatever is asked of it"
    case unchanged = "an update that changes nothing has no version of its own"
    case replaced = "an object is replaced only at its version and with its UID"
    case merged =
      "a merge patch changes what it names, null removes; another version is a conflict, another UID invalid"
    case patched = "a JSON patch does all or nothing; a test that fails is invalid without causes"
    case deleted = "deletion counts only while UID and version are as given"
    case finalized = "an object with finalizers stays until the last is taken off, and gets no new one meanwhile"
    case status = "status is changed by its subresource only, and nothing else is"
    case generated = "a generated name begins as asked and differs each time"
    case paged = "the pages of a list show one moment"
    case selected = "labels and fields select, and fields that are not offered are refused"
    case watched = "a watch tells what came after its version, in order; what leaves the selection counts as deleted"
    case collected = "what has lost its last owner goes"
  }

  package struct Broken: Error, CustomStringConvertible {
    package let description: String
  }

  /// - Throws: ``Broken`` where the server does not keep the rule; other errors where it cannot be asked.
  package func check(_ rule: Rule) async throws {
    do {
      switch rule {
      case .created: try await created()
      case .missing: try await missing()
      case .unchanged: try await unchanged()
      case .replaced: try await replaced()
      case .merged: try await merged()
      case .patched: try await patched()
      case .deleted: try await deleted()
      case .finalized: try await finalized()
      case .status: try await status()
      case .generated: try await generated()
      case .paged: try await paged()
      case .selected: try await selected()
      case .watched: try await watched()
      case .collected: try await collected()
      }
    } catch {
      try await removeAll()
      throw error
    }
    try await removeAll()
  }

  // MARK: objects

  private func lease(_ name: String, labels: StringMap = [:]) -> Lease {
    var labels = labels
    labels["contract"] = word
    var lease = Lease(metadata: ObjectMeta(name: "\(word)-\(name)", namespace: namespace, labels: labels))
    lease.holder = "nobody"
    lease.durationSeconds = 60
    return lease
  }

  private func key(_ name: String) -> ObjectKey { ObjectKey(namespace: namespace, name: "\(word)-\(name)") }

  private var ours: Selection { Selection(namespace: namespace, labels: "contract=\(word)") }

  private func removeAll() async throws {
    var leases: [Lease] = []
    try await client.list(Lease.self, ours) { leases.append($0) }
    for lease in leases {
      if !lease.metadata.finalizers.isEmpty {
        _ = try await client.patch(
          Lease.self, lease.metadata.key, .merge(["metadata": ["finalizers": .null]]))
      }
      do throws(APIError) {
        try await client.delete(Lease.resource, lease.metadata.key, uid: lease.metadata.uid)
      } catch {
        guard error.kind == .notFound else { throw error }
      }
    }
  }

  private func expect(_ isTrue: Bool, _ what: String) throws(Broken) {
    guard isTrue else { throw Broken(description: what) }
  }

  private func expect<Value>(
    _ kind: APIError.Kind, _ what: String, causes: [APIError.Cause]? = nil, _ body: () async throws(APIError) -> Value
  ) async throws(Broken) {
    let found: String
    do throws(APIError) {
      _ = try await body()
      found = "done"
    } catch {
      if error.kind == kind, !error.mayHaveHappened, causes.map({ $0 == error.causes }) ?? true { return }
      found = "\(error.kind): \(error)"
    }
    throw Broken(description: "\(what): \(found), not \(kind)")
  }

  private func get(_ path: String) async throws -> (status: Int, body: JSONValue) {
    let reply = try await transport.send(HTTPRequest(path: path))
    return (reply.head.status, try JSONValue(parsing: try await reply.body.collect(limit: 1 << 20)))
  }

  private var leases: String { "/apis/coordination.k8s.io/v1/namespaces/\(namespace)/leases" }

  // MARK: rules

  private func created() async throws {
    let made = try await client.create(lease("a", labels: ["x": "y"]))
    let metadata = made.metadata
    try expect(!metadata.uid.isEmpty && !metadata.resourceVersion.isEmpty, "no UID or version")
    try expect(metadata.creationTimestamp != nil && metadata.deletionTimestamp == nil, "wrong times")
    try expect(metadata.labels["x"] == "y" && made.holder == "nobody", "not what was written")
    let read = try await client.get(Lease.self, key("a"))
    try expect(read.metadata.resourceVersion == metadata.resourceVersion, "it is read at another version")
    try await expect(.alreadyExists, "created again") { () throws(APIError) in try await client.create(lease("a")) }
  }

  private func missing() async throws {
    try await expect(.notFound, "get") { () throws(APIError) in try await client.get(Lease.self, key("none")) }
    try await expect(.notFound, "delete") { () throws(APIError) in
      try await client.delete(Lease.resource, key("none"), uid: "")
    }
    try await expect(.notFound, "patch") { () throws(APIError) in
      try await client.patch(Lease.self, key("none"), .merge(["metadata": ["labels": ["a": "b"]]]))
    }
    let unknown = APIResource(group: "none.example", name: "things", kind: "Thing", isNamespaced: true)
    try await expect(.notFound, "an unknown resource") { () throws(APIError) in
      try await client.get(Lease.self, key("none"), as: unknown)
    }
  }

  private func unchanged() async throws {
    let made = try await client.create(lease("a"))
    let patched = try await client.patch(
      Lease.self, key("a"), .merge(["metadata": ["labels": ["contract": .string(word)]]]))
    try expect(patched.metadata.resourceVersion == made.metadata.resourceVersion, "the version has changed")
  }

  private func replaced() async throws {
    let made = try await client.create(lease("a"))
    var changed = made
    changed.holder = "somebody"
    let second = try await client.replace(changed)
    try expect(second.holder == "somebody" && second.metadata.uid == made.metadata.uid, "not replaced")
    try expect(second.metadata.resourceVersion != made.metadata.resourceVersion, "the version is the same")
    try await expect(.conflict, "replaced at an old version") { [changed] () throws(APIError) in
      try await client.replace(changed)
    }
    try await expect(.conflict, "replaced with another UID") { [second] () throws(APIError) in
      var other = second
      other.metadata.uid = "11111111-2222-3333-4444-555555555555"
      return try await client.replace(other)
    }
    try expect(try await client.get(Lease.self, key("a")).holder == "somebody", "a refused write was carried out")
  }

  private func merged() async throws {
    var wanted = lease("a")
    wanted.metadata.annotations = ["a": "1", "b": "2"]
    let made = try await client.create(wanted)
    let changed = try await client.patch(
      Lease.self, key("a"), .merge(["metadata": ["annotations": ["a": .null, "c": "3"]]], ifStill: made.metadata))
    try expect(changed.metadata.annotations == ["b": "2", "c": "3"], "\(changed.metadata.annotations)")
    try await expect(.conflict, "patched at an old version") { () throws(APIError) in
      try await client.patch(
        Lease.self, key("a"), .merge(["metadata": ["annotations": ["d": "4"]]], ifStill: made.metadata))
    }
    try await expect(.invalid, "patched with another UID") { () throws(APIError) in
      try await client.patch(
        Lease.self, key("a"), .merge(["metadata": ["uid": "11111111-2222-3333-4444-555555555555"]]))
    }
  }

  private func patched() async throws {
    var wanted = lease("a")
    wanted.metadata.annotations = ["a.example/b": "1"]
    _ = try await client.create(wanted)
    for wrong: Patch in [
      .operations([
        .remove("metadata", "annotations", "a.example/b"), .test("metadata", "name", value: "another"),
      ]),
      .operations([.remove("metadata", "annotations", "none")]),
    ] {
      try await expect(.invalid, "patched in part", causes: []) { () throws(APIError) in
        try await client.patch(Lease.self, key("a"), wrong)
      }
    }
    let changed = try await client.patch(
      Lease.self, key("a"),
      .operations([
        .test("metadata", "annotations", "a.example/b", value: "1"),
        .replace("metadata", "annotations", "a.example/b", value: "2"),
        .add("metadata", "annotations", "c", value: "3"),
      ]))
    try expect(changed.metadata.annotations == ["a.example/b": "2", "c": "3"], "\(changed.metadata.annotations)")
  }

  private func deleted() async throws {
    let made = try await client.create(lease("a"))
    _ = try await client.patch(Lease.self, key("a"), .merge(["metadata": ["labels": ["a": "b"]]]))
    try await expect(.conflict, "deleted with another UID") { () throws(APIError) in
      try await client.delete(Lease.resource, key("a"), uid: "11111111-2222-3333-4444-555555555555")
    }
    try await expect(.conflict, "deleted at an old version") { () throws(APIError) in
      try await client.delete(
        Lease.resource, key("a"), uid: made.metadata.uid, resourceVersion: made.metadata.resourceVersion)
    }
    try await client.delete(Lease.resource, key("a"), uid: made.metadata.uid)
    try await expect(.notFound, "still there") { () throws(APIError) in try await client.get(Lease.self, key("a")) }
    let again = try await client.create(lease("a"))
    try expect(again.metadata.uid != made.metadata.uid, "another object has the same UID")
  }

  private func finalized() async throws {
    var wanted = lease("a")
    wanted.metadata.finalizers = ["contract.example/a", "contract.example/b"]
    let made = try await client.create(wanted)
    for _ in 0..<2 { try await client.delete(Lease.resource, key("a"), uid: made.metadata.uid) }
    let dying = try await client.get(Lease.self, key("a"))
    try expect(dying.metadata.isBeingDeleted, "it is not being deleted")
    try await expect(.invalid, "a new finalizer") { () throws(APIError) in
      try await client.patch(
        Lease.self, key("a"), .merge(["metadata": ["finalizers": ["contract.example/a", "contract.example/c"]]]))
    }
    let one = try await client.patch(
      Lease.self, key("a"), .merge(["metadata": ["finalizers": ["contract.example/b"]]]))
    try expect(one.metadata.finalizers == ["contract.example/b"], "\(one.metadata.finalizers)")
    _ = try await client.patch(Lease.self, key("a"), .merge(["metadata": ["finalizers": .null]]))
    try await expect(.notFound, "still there") { () throws(APIError) in try await client.get(Lease.self, key("a")) }
  }

  private func status() async throws {
    var volume = PersistentVolume(metadata: ObjectMeta(name: "\(word)-status", labels: ["contract": word]))
    volume.capacity = Quantity(.gibibytes(1))
    volume.accessModes = ["ReadWriteOnce"]
    volume.reclaimPolicy = "Retain"
    volume.storageClassName = word
    volume.nodeAffinity = NodeSelector(label: "kubernetes.io/hostname", in: ["nowhere"])
    volume.flexVolume = FlexVolumeSource(driver: ProductNames.driver)
    let made = try await client.create(volume)
    let key = made.metadata.key
    do {
      let body: JSONValue = [
        "metadata": ["labels": ["new": "1"]], "status": ["reason": "contract"],
      ]
      let plain = try await client.patch(PersistentVolume.self, key, .merge(body))
      try expect(plain.metadata.labels["new"] == "1", "the object was not changed")
      let read = try await get("/api/v1/persistentvolumes/\(key.name)").body
      try expect(read["status", "reason"] == nil, "status was changed without its subresource")
      let other: JSONValue = [
        "spec": ["storageClassName": "other"], "status": ["reason": "contract"],
      ]
      let written = try await client.patch(PersistentVolume.self, key, .merge(other), subresource: "status")
      try expect(written.storageClassName == word, "spec was changed by the subresource")
    } catch {
      try await remove(key)
      throw error
    }
    try await remove(key)
  }

  private func remove(_ key: ObjectKey) async throws {
    try await client.delete(PersistentVolume.resource, key, uid: "")
    do throws(APIError) {
      _ = try await client.patch(PersistentVolume.self, key, .merge(["metadata": ["finalizers": .null]]))
    } catch {
      guard error.kind == .notFound else { throw error }
    }
  }

  private func generated() async throws {
    var names: Set<String> = []
    for _ in 0..<3 {
      let body: JSONValue = [
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": ["generateName": .string("\(word)-"), "labels": ["contract": .string(word)]],
      ]
      let made = try JSONValue(parsing: await client.create(body, in: namespace, as: Lease.resource))
      names.insert(made["metadata", "name"]?.string ?? "")
    }
    try expect(names.count == 3 && names.allSatisfy { $0.hasPrefix("\(word)-") && $0 != "\(word)-" }, "\(names)")
  }

  private func paged() async throws {
    for name in ["a", "b", "c", "d", "e"] { _ = try await client.create(lease(name)) }
    var (path, found, versions) = ("\(leases)?limit=2&labelSelector=contract%3D\(word)", [String](), Set<String>())
    while true {
      let (status, body) = try await get(path)
      try expect(status == 200, "\(status)")
      found += (body["items"]?.elements ?? []).compactMap { $0["metadata", "name"]?.string }
      versions.insert(body["metadata", "resourceVersion"]?.string ?? "")
      guard let next = body["metadata", "continue"]?.string, !next.isEmpty else { break }
      // Neither a new object nor an end is seen by the pages that are still to come.
      if found.count == 2 {
        _ = try await client.create(lease("dd"))
        try await client.delete(Lease.resource, key("e"), uid: "")
      }
      path = "\(leases)?limit=2&labelSelector=contract%3D\(word)&continue=\(Self.escaped(next))"
    }
    try expect(found == ["a", "b", "c", "d", "e"].map { "\(word)-\($0)" }, "\(found)")
    try expect(versions.count == 1, "pages of several versions: \(versions)")
  }

  private static func escaped(_ text: String) -> String {
    text.utf8.map { "%\($0 < 16 ? "0" : "")\(String($0, radix: 16))" }.joined()
  }

  private func selected() async throws {
    for (name, value) in [("a", "1"), ("b", "2")] { _ = try await client.create(lease(name, labels: ["x": value])) }
    _ = try await client.create(lease("c"))
    for (labels, fields, expected) in [
      ("x=1", nil, ["a"]), ("x==1", nil, ["a"]), ("x!=1", nil, ["b", "c"]), ("x", nil, ["a", "b"]), ("!x", nil, ["c"]),
      ("x in (1,2)", nil, ["a", "b"]), ("x notin (1, 3)", nil, ["b", "c"]), ("x=1,x=2", nil, []),
      ("x", "metadata.name=\(word)-b", ["b"]), ("x", "metadata.name!=\(word)-b", ["a"]),
    ] as [(String, String?, [String])] {
      var found: [String] = []
      let selection = Selection(namespace: namespace, labels: "contract=\(word),\(labels)", fields: fields)
      try await client.list(Lease.self, selection) { found.append($0.metadata.name) }
      try expect(found == expected.map { "\(word)-\($0)" }, "\(labels) \(fields ?? ""): \(found)")
    }
    try await expect(.badRequest, "a field that is not offered") { () throws(APIError) in
      try await client.list(Lease.self, Selection(namespace: namespace, fields: "spec.holderIdentity=x")) { _ in }
    }
  }

  private func watched() async throws {
    let before = try await get("\(leases)?limit=1").body["metadata", "resourceVersion"]?.string ?? ""
    _ = try await client.create(lease("a", labels: ["x": "1"]))
    _ = try await client.create(lease("b"))
    _ = try await client.patch(Lease.self, key("a"), .merge(["metadata": ["annotations": ["n": "1"]]]))
    _ = try await client.patch(Lease.self, key("b"), .merge(["metadata": ["labels": ["x": "2"]]]))
    _ = try await client.patch(Lease.self, key("a"), .merge(["metadata": ["labels": ["x": .null]]]))
    try await client.delete(Lease.resource, key("b"), uid: "")
    let selector = Self.escaped("contract=\(word),x")
    let request = HTTPRequest(
      path: "\(leases)?watch=1&resourceVersion=\(before)&labelSelector=\(selector)&timeoutSeconds=60", timeout: nil)
    let reply = try await transport.send(request)
    var (text, events) = ("", [String]())
    var versions: [Int] = []
    while events.count < 5, let piece = try await reply.body.next() {
      text += String(decoding: piece, as: UTF8.self)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      text = String(lines.last ?? "")
      for line in lines.dropLast() where !line.isEmpty {
        let event = try JSONValue(parsing: Array(line.utf8))
        let name = event["object", "metadata", "name"]?.string ?? ""
        events.append("\(event["type"]?.string ?? "") \(name.dropFirst(word.count + 1))")
        versions.append(event["object", "metadata", "resourceVersion"]?.string.flatMap { Int($0) } ?? 0)
      }
    }
    try expect(events == ["ADDED a", "MODIFIED a", "ADDED b", "DELETED a", "DELETED b"], "\(events)")
    try expect(versions == versions.sorted() && Set(versions).count == 5, "versions do not rise: \(versions)")
  }

  private func collected() async throws {
    func owner(_ object: Lease) -> OwnerReference {
      OwnerReference(
        apiVersion: Lease.resource.apiVersion, kind: Lease.resource.kind, name: object.metadata.name,
        uid: object.metadata.uid)
    }
    let (first, second) = (try await client.create(lease("a")), try await client.create(lease("b")))
    for (name, owners) in [("one", [first]), ("two", [first, second])] {
      var dependent = lease(name)
      dependent.metadata.ownerReferences = owners.map(owner)
      _ = try await client.create(dependent)
    }
    try await client.delete(Lease.resource, key("a"), uid: first.metadata.uid)
    try await expectGone("one")
    _ = try await client.get(Lease.self, key("two"))
    try await client.delete(Lease.resource, key("b"), uid: second.metadata.uid)
    try await expectGone("two")
  }

  /// The garbage collector needs its time.
  private func expectGone(_ name: String) async throws {
    for _ in 0..<6000 {
      do throws(APIError) {
        _ = try await client.get(Lease.self, key(name))
      } catch {
        guard error.kind == .notFound else { throw error }
        return
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw Broken(description: "\(name) is still there a minute after its last owner went")
  }
}
