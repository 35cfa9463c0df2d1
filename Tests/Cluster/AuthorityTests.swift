import LinuxSystem
import Testing

@Suite("What the product's tokens reach", .serialized, .node)
struct AuthorityTests {
  private static let namespace = Product.namespace

  private static func node() throws -> Account { try Account("elastic-local-node", component: "node") }

  /// Whether daemons are tied to their nodes by a policy: Kubernetes 1.30 and later.
  private static var isTied: Bool { Cluster.minor >= 30 }

  /// A bound claim with a volume on another node than the real one.
  private static func withVictim(
    _ body: (_ victim: SimulatedNode, _ claim: ClaimedVolume, _ pv: String) throws -> Void
  ) throws {
    try SimulatedNode.with(["victim"]) { nodes in
      let claim = ClaimedVolume(name: "precious")
      try Cluster.apply(claim.manifest("elastic-local", "1Gi") + "\n---\n" + SimulatedNode.pod(claim.name, on: nodes))
      #expect(try eventually { try !claim.pvName.isEmpty })
      let pv = try claim.pvName
      #expect(try eventually { try nodes[0].volumes.contains(pv) && instance(of: pv) != "" })
      try body(nodes[0], claim, pv)
      try Cluster.kubectl("delete", "pod", claim.name, "--force", "--grace-period=0")
      try claim.remove()
      #expect(try eventually { try !nodes[0].volumes.contains(pv) }, "it goes when its owner says so")
    }
  }

  private static func instance(of pv: String) throws -> String {
    try Cluster.kubectl(
      "get", "pv", pv, "-o", #"jsonpath={.metadata.annotations.volumes\.k8s\.elastic\.co/instance}"#)
  }

  /// All of a PV but what Kubernetes changes by itself.
  private static func spec(of pv: String) throws -> String {
    try Cluster.kubectl(
      "get", "pv", pv, "-o", "jsonpath={.spec}{.metadata.labels}{.metadata.finalizers}{.status.phase}")
  }

  @Test("a node's token changes no PV and no object of others, whatever it tries")
  func nothingOfOthers() throws {
    let node = try Self.node()
    try Self.withVictim { victim, _, pv in
      let before = try Self.spec(of: pv)
      let release = #"{"spec":{"persistentVolumeReclaimPolicy":"Delete","claimRef":{"name":"no-such-claim"}}}"#
      let nothing = #"{"metadata":{"annotations":{"x":"y"}}}"#
      let attempts = [
        try node.attempt("patch", "pv", pv, "--type=merge", "-p", release),
        try node.attempt("patch", "pv", pv, "--type=merge", "-p", #"{"metadata":{"finalizers":null}}"#),
        try node.attempt("delete", "pv", pv, "--wait=false"),
        try node.attempt("patch", "pvc", "precious", "--type=merge", "-p", nothing),
        try node.attempt("delete", "pvc", "precious", "--wait=false"),
        try node.attempt("patch", "configmap", "kube-root-ca.crt", "-n", Self.namespace, "--type=merge", "-p", nothing),
        try node.attempt("get", "secrets", "-n", Self.namespace),
        try node.attempt("patch", "node", victim.name, "--type=merge", "-p", nothing),
        try node.attempt("delete", "node", victim.name, "--wait=false"),
        try node.attempt("delete", "nodestorage", victim.name, "-n", Self.namespace),
        try node.attempt("patch", "nodestorage", victim.name, "-n", Self.namespace, "--type=merge", "-p", nothing),
        try node.attempt("delete", "csistoragecapacities.storage.k8s.io", "--all", "-n", Self.namespace),
        try node.attempt(
          "patch", "lease", "elastic-local-provisioner", "-n", Self.namespace, "--type=merge", "-p", nothing),
        try node.attempt("delete", "events", "--all", "-n", Self.namespace),
        try node.attempt("create", "serviceaccount", "mine", "-n", Self.namespace),
        try node.attempt("delete", "pods", "--all", "-n", Self.namespace),
      ]
      for attempt in attempts { #expect(attempt.isForbidden, "\(attempt.output)") }
      #expect(try Self.spec(of: pv) == before)
      #expect(try victim.volumes.contains(pv))
    }
  }

  @Test(
    "what a node's token says about another node loses, moves and gives up nothing; from 1.30 on it may not even say it"
  )
  func saysForOthers() throws {
    let node = try Self.node()
    try Self.withVictim { victim, _, pv in
      let (before, instance) = (try Self.spec(of: pv), try Self.instance(of: pv))
      let uid = try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.metadata.uid}")
      for state in ["Removed", "Kept", "Created", "Requested"] {
        let report =
          #"{"name":"\#(pv)","uid":"\#(uid)","state":"\#(state)","instance":"false","pod":"default/precious"}"#
        let attempt = try say([report], of: victim.name, by: node)
        #expect(Self.isTied ? attempt.isForbidden : attempt.isAllowed, "\(attempt.output)")
        // Its own node may always speak, and is not believed about another node's volume.
        #expect(try say([report], of: "node1", by: node).isAllowed)
      }
      // Longer than the provisioner takes for what it believes.
      ThreadSleep.sleep(.seconds(5))
      #expect(try Self.spec(of: pv) == before)
      #expect(try Self.instance(of: pv) == instance)
      #expect(try victim.volumes.contains(pv))
      _ = try say([], of: "node1", by: node)
    }
  }

  private func say(_ reports: [String], of name: String, by account: Account) throws -> Account.Attempt {
    try account.patchStatus(
      "/apis/volumes.k8s.elastic.co/v1alpha1/namespaces/\(Self.namespace)/nodestorages/\(name)",
      #"{"status":{"reports":[\#(reports.joined(separator: ","))]}}"#)
  }

  @Test("the provisioner's token creates and changes no pod, touches no node or secret, and nothing that a node says")
  func provisioner() throws {
    let provisioner = try Account("elastic-local-provisioner", component: "provisioner")
    let pod = try #require(Product.pods("provisioner").first)
    let nothing = #"{"metadata":{"annotations":{"x":"y"}}}"#
    let attempts = [
      try provisioner.attempt("get", "secrets", "-n", Self.namespace),
      try provisioner.attempt("run", "mine", "--image=localhost/busybox:1", "-n", Self.namespace),
      try provisioner.attempt("patch", "pod", pod, "-n", Self.namespace, "--type=merge", "-p", nothing),
      try provisioner.attempt("exec", pod, "-n", Self.namespace, "--", "true"),
      try provisioner.attempt("patch", "node", "node1", "--type=merge", "-p", nothing),
      try provisioner.attempt("delete", "node", "node1", "--wait=false"),
      try provisioner.attempt("patch", "nodestorage", "node1", "-n", Self.namespace, "--type=merge", "-p", nothing),
      try provisioner.attempt("delete", "nodestorage", "node1", "-n", Self.namespace),
      try provisioner.attempt(
        "patch", "configmap", "kube-root-ca.crt", "-n", Self.namespace, "--type=merge", "-p", nothing),
      try provisioner.attempt("create", "serviceaccount", "mine", "-n", Self.namespace),
    ]
    for attempt in attempts { #expect(attempt.isForbidden, "\(attempt.output)") }
  }
}
