import Testing

/// A namespace whose claims keep their volumes, and a pod in it.
struct Tenant {
  let namespace: String
  /// Who owns it; nil leaves it to the namespace's name.
  var owner: String?

  static let storageClass = "kept"

  /// Creates the class, runs the body, and removes the namespaces and everything that was kept for them.
  static func with(_ tenants: [Tenant], keep: String = "forever", _ body: () throws -> Void) throws {
    try Cluster.apply(
      Cluster.storageClass(storageClass, "volumeBindingMode: WaitForFirstConsumer\nparameters: {keep: \(keep)}"))
    let result = Result { try body() }
    for tenant in tenants { try tenant.remove() }
    for pv in try kept() { try Cluster.kubectl("annotate", "pv", pv, "volumes.k8s.elastic.co/delete-data=true") }
    let areGone = try eventually { try kept().isEmpty }
    let left = try kept()
    #expect(areGone, "PVs \(left) are left")
    try Cluster.kubectl("delete", "storageclass", storageClass)
    try result.get()
  }

  /// The PVs of the class.
  static func kept() throws -> [String] {
    try Cluster.kubectl(
      "get", "pv", "-o",
      "jsonpath={range .items[?(@.spec.storageClassName==\"\(storageClass)\")]}{.metadata.name}{\"\\n\"}{end}"
    ).split(separator: "\n").map(String.init)
  }

  func create() throws {
    let annotations = owner.map { "annotations: {volumes.k8s.elastic.co/owner: \($0)}" } ?? "annotations: {}"
    try Cluster.apply(
      """
      apiVersion: v1
      kind: Namespace
      metadata:
        name: \(namespace)
        \(annotations)
      """)
    // A pod needs its namespace's account.
    #expect(
      try eventually {
        try !Cluster.kubectl("get", "-n", namespace, "serviceaccount", "default", "--ignore-not-found", "-o", "name")
          .isEmpty
      })
  }

  /// Creates it with a claim, and a pod that has written `kept` into `/data/file`. Returns the claim's PV.
  func createFilled(size: String = "320Mi") throws -> String {
    try create()
    try addClaim(size: size)
    try startPod()
    try inside("echo kept >/data/file && sync")
    return try pv()
  }

  func remove() throws {
    try Cluster.kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=180s")
  }

  func addClaim(_ name: String = "data", size: String = "320Mi", storageClass: String = storageClass) throws {
    try Cluster.apply(
      ClaimedVolume(name: name).manifest(storageClass, size)
        .replacing("metadata: {", with: "metadata: {namespace: \(namespace), "))
  }

  func removeClaim(_ name: String = "data") throws {
    try Cluster.kubectl("delete", "-n", namespace, "pvc", name, "--timeout=180s")
  }

  /// Starts a pod with the claim, and waits until it runs.
  func startPod(_ name: String = "pod", claim: String = "data", securityContext: String = "{}") throws {
    let pod = Pod(name: name, securityContext: securityContext)
    try Cluster.apply(
      pod.manifest(claim: claim).replacing("metadata: {", with: "metadata: {namespace: \(namespace), "))
    do {
      try Cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/\(name)", "--timeout=180s")
    } catch {
      throw Trouble("\(error)\n\(try Cluster.kubectl("describe", "-n", namespace, "pod", name))")
    }
  }

  func removePod(_ name: String = "pod") throws {
    try Cluster.kubectl("delete", "-n", namespace, "pod", name, "--timeout=180s")
  }

  /// Runs a script in a pod and returns what it prints.
  @discardableResult
  func inside(_ script: String, pod: String = "pod") throws -> String {
    try Cluster.kubectl("exec", "-n", namespace, pod, "--", "sh", "-c", script)
  }

  /// The name of a claim's PV; empty before it is bound.
  func pv(_ claim: String = "data") throws -> String {
    try Cluster.kubectl(
      "get", "-n", namespace, "pvc", claim, "--ignore-not-found", "-o", "jsonpath={.spec.volumeName}")
  }

  func events(of claim: String = "data") throws -> String {
    try Cluster.kubectl(
      "get", "-n", namespace, "events", "--field-selector", "involvedObject.name=\(claim)", "-o",
      "jsonpath={range .items[*]}{.reason}: {.message}{\"\\n\"}{end}")
  }
}
