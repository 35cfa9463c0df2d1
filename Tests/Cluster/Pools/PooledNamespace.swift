import LinuxSystem
import Testing

/// A namespace with pools and checkouts in it, written as PVPool's users write them.
struct PooledNamespace {
  let name: String

  /// Installs what pools need, creates the namespaces, runs the body, and removes the namespaces. None of their PVs may be left.
  static func with(_ names: String..., body: ([PooledNamespace]) throws -> Void) throws {
    // The rules and the right `use` need a newer API server.
    try Manifests.apply(Cluster.minor < 30 ? "daemonset/overlays/pools" : "daemonset/admission/pools")
    let namespaces = names.map { PooledNamespace(name: $0) }
    for namespace in namespaces { try namespace.create() }
    let result = Result { try body(namespaces) }
    try Cluster.kubectl(["delete", "namespace", "--ignore-not-found", "--timeout=240s"] + names)
    let areGone = try eventually { try namespaces.allSatisfy { try $0.volumes.isEmpty } }
    let left = try namespaces.flatMap { try $0.volumes }
    #expect(areGone, "PVs \(left) are left")
    try result.get()
  }

  private func create() throws {
    try Cluster.kubectl("create", "namespace", name)
    // A pod needs its namespace's account.
    #expect(
      try eventually {
        try !kubectl("get", "serviceaccount", "default", "--ignore-not-found", "-o", "name").isEmpty
      })
  }

  @discardableResult
  func kubectl(_ arguments: String...) throws -> String {
    try Cluster.kubectl(["--namespace", name] + arguments)
  }

  /// The PVs whose claims are or were in the namespace.
  private var volumes: [String] {
    get throws {
      try Cluster.kubectl(
        "get", "pv", "-o",
        "jsonpath={range .items[?(@.spec.claimRef.namespace==\"\(name)\")]}{.metadata.name}{\"\\n\"}{end}"
      ).split(separator: "\n").map(String.init)
    }
  }

  // MARK: Pools

  /// Creates a pool, or changes it.
  ///
  /// - Parameters:
  ///   - label: the value of the label `app` that the pool selects by.
  ///   - more: further lines of the spec, indented by two spaces.
  func apply(pool: String, replicas: Int, label: String? = nil, more: String = "") throws {
    try Cluster.apply(
      """
      apiVersion: pvpool.puppet.com/v1alpha1
      kind: Pool
      metadata: {namespace: \(name), name: \(pool)}
      spec:
        replicas: \(replicas)
        selector: {matchLabels: {app: \(label ?? pool)}}
        template:
          metadata: {labels: {app: \(label ?? pool)}}
          spec:
            storageClassName: elastic-local
            accessModes: [ReadWriteOnce]
            resources: {requests: {storage: 320Mi}}
      \(more)
      """)
  }

  /// The lines of an init job that runs a script with the volume at `/workspace`.
  static func initJob(_ script: String) -> String {
    """
      initJob:
        template:
          spec:
            backoffLimit: 0
            template:
              spec:
                restartPolicy: Never
                containers:
                - name: init
                  image: localhost/busybox:1
                  imagePullPolicy: Never
                  command: [sh, -c, '\(script)']
                  volumeMounts: [{name: workspace, mountPath: /workspace}]
    """
  }

  /// Waits until the controller has seen the pool as it is, and exactly the wished number of replicas is available.
  func awaitSettled(_ pool: String, _ replicas: Int) throws {
    let wish =
      "{.metadata.generation}/{.status.observedGeneration} {.status.availableReplicas} "
      + "{.status.conditions[?(@.type==\"Settlement\")].status}"
    let isSettled = try eventually {
      let found = try kubectl("get", "pool", pool, "-o", "jsonpath=\(wish)").split(
        separator: " ", omittingEmptySubsequences: false)
      guard found.count == 3 else { return false }
      let generations = found[0].split(separator: "/")
      return generations.count == 2 && generations[0] == generations[1] && found[1] == "\(replicas)"
        && found[2] == "True"
    }
    if !isSettled {
      throw Trouble("pool \(pool) does not settle:\n\(try kubectl("get", "pool,pvc,job,events", "-o", "wide"))")
    }
  }

  /// Waits until a pool of which nothing is wanted has nothing.
  func awaitNoReplicas(_ pool: String) throws {
    #expect(try eventually { try replicas(pool).isEmpty })
  }

  /// The names of the pool's claims.
  func replicas(_ label: String) throws -> [String] {
    try kubectl("get", "pvc", "-l", "app=\(label)", "-o", "jsonpath={.items[*].metadata.name}").split(separator: " ")
      .map(
        String.init)
  }

  // MARK: Checkouts

  /// - Parameter more: further lines of the spec, indented by two spaces.
  func apply(checkout: String, pool: String, in poolNamespace: PooledNamespace? = nil, more: String = "") throws {
    let namespace = poolNamespace.map { "namespace: \($0.name), " } ?? ""
    try Cluster.apply(
      """
      apiVersion: pvpool.puppet.com/v1alpha1
      kind: Checkout
      metadata: {namespace: \(name), name: \(checkout)}
      spec:
        poolRef: {\(namespace)name: \(pool)}
      \(more)
      """)
  }

  /// Creates a checkout as a user. Returns what was said when it was refused.
  func refusal(of user: String, checkout: String, pool: String) throws -> String? {
    let file = try Cluster.path("checkout-\(checkout).yaml")
    let manifest = """
      apiVersion: pvpool.puppet.com/v1alpha1
      kind: Checkout
      metadata: {name: \(checkout)}
      spec: {poolRef: {name: \(pool)}}
      """
    try Files.writeDurably(Array(manifest.utf8), to: file, mode: 0o600)
    do {
      try kubectl("create", "--as", user, "-f", file)
      return nil
    } catch let trouble as Trouble {
      return trouble.description
    }
  }

  /// Gives a user rights to objects of PVPool's group in the namespace; with a name to this one only.
  func allow(_ user: String, _ resource: String, _ verbs: [String], named name: String? = nil) throws {
    let role = "\(user)-\(resource)"
    try Cluster.apply(
      """
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: {namespace: \(self.name), name: \(role)}
      rules:
      - apiGroups: [pvpool.puppet.com]
        resources: [\(resource)]
        verbs: [\(verbs.joined(separator: ", "))]
        \(name.map { "resourceNames: [\($0)]" } ?? "")
      """)
    try kubectl("create", "rolebinding", role, "--role=\(role)", "--user=\(user)")
  }

  /// Waits until the checkout has its claim. Returns the claim's name.
  @discardableResult
  func awaitAcquired(_ checkout: String) throws -> String {
    let isAcquired = try eventually { try condition(of: checkout) == "True/CheckedOut" }
    if !isAcquired {
      throw Trouble("checkout \(checkout) has no claim:\n\(try kubectl("describe", "checkout", checkout))")
    }
    return try claim(of: checkout)
  }

  /// Status and reason of the condition Acquired.
  func condition(of checkout: String) throws -> String {
    let path = "{.status.conditions[?(@.type==\"Acquired\")]"
    return try kubectl("get", "checkout", checkout, "-o", "jsonpath=\(path).status}/\(path).reason}")
  }

  func claim(of checkout: String) throws -> String {
    try kubectl("get", "checkout", checkout, "-o", "jsonpath={.status.volumeClaimRef.name}")
  }

  func claim(_ claim: String, _ field: String) throws -> String {
    try kubectl("get", "pvc", claim, "--ignore-not-found", "-o", "jsonpath={\(field)}")
  }

  /// Runs a script in a pod with the claim at `/data`, and returns what it prints.
  func run(_ script: String, with claim: String) throws -> String {
    let pod = "pod-\(claim)"
    try Cluster.apply(
      Pod(name: pod).manifest(claim: claim).replacing("metadata: {", with: "metadata: {namespace: \(name), "))
    do {
      try kubectl("wait", "--for=condition=Ready", "pod/\(pod)", "--timeout=180s")
    } catch {
      throw Trouble("\(error)\n\(try kubectl("describe", "pod", pod))")
    }
    let output = try kubectl("exec", pod, "--", "sh", "-c", script)
    try kubectl("delete", "pod", pod, "--timeout=180s")
    return output
  }
}
