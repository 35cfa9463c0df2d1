import LinuxSystem
import Testing

@Suite("Volumes that outlive their claims and namespaces", .serialized, .node)
struct KeptVolumeTests {
  @Test("the data survives pod, claim and namespace, and goes with the word")
  func persistence() throws {
    let tenant = Tenant(namespace: "kept-persistence")
    try Tenant.with([tenant]) {
      try tenant.create()
      try tenant.addClaim()
      try tenant.startPod()
      #expect(throws: Trouble.self) { try tenant.inside("test -e /data/file") }
      try tenant.inside("echo kept >/data/file && sync")
      let pv = try tenant.pv()
      try tenant.removePod()
      try tenant.startPod()
      #expect(try tenant.inside("cat /data/file") == "kept\n")
      try tenant.remove()
      #expect(try eventually { try phase(of: pv) == "Released" })
      try tenant.create()
      try tenant.addClaim()
      // Before any pod asks for it.
      #expect(try eventually { try tenant.pv() == pv })
      try tenant.startPod()
      #expect(try tenant.inside("cat /data/file") == "kept\n")
      try Cluster.kubectl("annotate", "namespace", tenant.namespace, "volumes.k8s.elastic.co/delete-data=true")
      try tenant.remove()
      #expect(try eventually { try !ClaimedVolume.exists(pv) })
      #expect(try !ClaimedVolume.hasStorage(pv))
      try tenant.create()
      try tenant.addClaim()
      try tenant.startPod()
      #expect(throws: Trouble.self) { try tenant.inside("test -e /data/file") }
    }
  }

  @Test("a pod that is not root writes and deletes in a volume that has come back")
  func permissions() throws {
    let tenant = Tenant(namespace: "kept-permissions")
    let securityContext = "{runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000}"
    try Tenant.with([tenant]) {
      for round in 1...2 {
        if round == 2 { try tenant.remove() }
        try tenant.create()
        try tenant.addClaim()
        try tenant.startPod(securityContext: securityContext)
        try tenant.inside("test -e /data/file || echo seeded >/data/file; echo more >/data/own && rm /data/own && sync")
        #expect(try tenant.inside("cat /data/file") == "seeded\n")
      }
    }
  }

  @Test("an intruder in a namespace of the same name gets nothing; the owner's data follows into one of another name")
  func identity() throws {
    let alice = Tenant(namespace: "kept-identity", owner: "alice")
    let mallory = Tenant(namespace: "kept-identity", owner: "mallory")
    let moved = Tenant(namespace: "kept-identity-moved", owner: "alice")
    try Tenant.with([alice, moved]) {
      try alice.create()
      try alice.addClaim()
      try alice.startPod()
      try alice.inside("echo alice >/data/file && sync")
      let pv = try alice.pv()
      try alice.remove()
      try mallory.create()
      try mallory.addClaim()
      #expect(try eventually { try mallory.events().contains("KeptVolumeConflict: PV \(pv)") })
      #expect(try mallory.pv().isEmpty)
      try moved.create()
      try moved.addClaim()
      #expect(try eventually { try moved.pv() == pv })
      try moved.startPod()
      #expect(try moved.inside("cat /data/file") == "alice\n")
      // Nothing is kept under the name any more.
      try mallory.startPod()
      #expect(throws: Trouble.self) { try mallory.inside("test -e /data/file") }
    }
  }

  @Test(
    "a larger claim is bound to its kept volume and then grown; a smaller one has it as it is", .needsSystemResources)
  func sizes() throws {
    let tenant = Tenant(namespace: "kept-sizes")
    try Tenant.with([tenant]) {
      let pv = try tenant.createFilled(size: "320Mi")
      for size in ["480Mi", "340Mi"] {
        try comesBack(tenant, pv, size)
        #expect(try eventually { try capacity(of: pv) == "480Mi" })
      }
      #expect(
        try eventually { (Int(try tenant.inside("df -kP /data | awk 'END { print $2 }'").dropLast()) ?? 0) > 400_000 })
    }
  }

  @Test("a smaller claim has its kept volume as it is")
  func smaller() throws {
    let tenant = Tenant(namespace: "kept-smaller")
    try Tenant.with([tenant]) {
      let pv = try tenant.createFilled(size: "340Mi")
      try comesBack(tenant, pv, "320Mi")
      #expect(try capacity(of: pv) == "340Mi")
      #expect(try eventually { try tenant.events().contains("keeps its size of 340 MiB") })
    }
  }

  private func comesBack(_ tenant: Tenant, _ pv: String, _ size: String) throws {
    try tenant.removePod()
    try tenant.removeClaim()
    try tenant.addClaim(size: size)
    #expect(try eventually { try tenant.pv() == pv })
    try tenant.startPod()
    #expect(try tenant.inside("cat /data/file") == "kept\n")
  }

  private func capacity(of pv: String) throws -> String {
    try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.spec.capacity.storage}")
  }

  @Test("a claim is made again before Kubernetes has said that the former one is gone, and has its volume")
  func atOnce() throws {
    let tenant = Tenant(namespace: "kept-at-once")
    try Tenant.with([tenant]) {
      let pv = try tenant.createFilled()
      try tenant.removePod()
      try tenant.removeClaim()
      try tenant.addClaim()
      #expect(try eventually { try tenant.pv() == pv })
      try tenant.startPod()
      #expect(try tenant.inside("cat /data/file") == "kept\n")
    }
  }

  @Test("a PV that has failed is given back; of two that are kept for a claim it gets the last one, and says so")
  func failedAndTwo() throws {
    let first = Tenant(namespace: "kept-two-a", owner: "bob")
    let second = Tenant(namespace: "kept-two-b", owner: "bob")
    let third = Tenant(namespace: "kept-two-c", owner: "bob")
    try Tenant.with([first, second, third]) {
      for tenant in [first, second] {
        try tenant.create()
        try tenant.addClaim()
        try tenant.startPod()
        try tenant.inside("echo \(tenant.namespace) >/data/file && sync")
      }
      let pv = try second.pv()
      try first.remove()
      let firstPV = try Tenant.kept().first { $0 != pv } ?? ""
      #expect(try eventually { try !since(firstPV).isEmpty })
      // The time is in seconds.
      let before = try since(firstPV)
      try second.remove()
      #expect(try eventually { try !since(pv).isEmpty })
      let isLater = try since(pv) > before
      try Cluster.setPhase("Failed", of: pv)
      try third.create()
      try third.addClaim()
      #expect(try eventually { try !third.pv().isEmpty })
      if isLater { #expect(try third.pv() == pv) }
      try third.startPod()
      #expect(try third.inside("cat /data/file").hasPrefix("kept-two-"))
      #expect(try eventually { try third.events().contains("also kept for this claim") })
    }
  }

  @Test("deletion waits for running pods, and until then it can be taken back")
  func deletionWhileRunning() throws {
    let tenant = Tenant(namespace: "kept-running")
    try Tenant.with([tenant]) {
      let pv = try tenant.createFilled()
      try annotateClaim(tenant, "volumes.k8s.elastic.co/delete-data=true")
      #expect(try eventually { try finalizers(tenant).contains("volumes.k8s.elastic.co/delete-data") })
      try Cluster.kubectl("delete", "-n", tenant.namespace, "pvc", "data", "--wait=false")
      #expect(try tenant.inside("cat /data/file") == "kept\n")
      try annotateClaim(tenant, "volumes.k8s.elastic.co/delete-data-")
      try tenant.removePod()
      #expect(try eventually { try phase(of: pv) == "Released" })
      try tenant.addClaim()
      #expect(try eventually { try tenant.pv() == pv })
      try annotateClaim(tenant, "volumes.k8s.elastic.co/delete-data=true")
      #expect(try eventually { try finalizers(tenant).contains("volumes.k8s.elastic.co/delete-data") })
      try tenant.removeClaim()
      #expect(try eventually { try !ClaimedVolume.exists(pv) })
      #expect(try !ClaimedVolume.hasStorage(pv))
    }
  }

  @Test("a volume that is kept for a time is announced, and goes when that is over")
  func expiry() throws {
    let tenant = Tenant(namespace: "kept-expiry")
    try Tenant.with([tenant], keep: "40s") {
      try tenant.create()
      try tenant.addClaim()
      try tenant.startPod()
      let pv = try tenant.pv()
      try tenant.removePod()
      try tenant.removeClaim()
      #expect(
        try eventually { try Cluster.events(of: "PersistentVolume", pv).contains("it is deleted with its data after") })
      #expect(try eventually { try !ClaimedVolume.exists(pv) })
      #expect(try !ClaimedVolume.hasStorage(pv))
    }
  }

  @Test(
    "namespaces that are deleted and created again at once have their own data, and nobody another's; KEPT_NAMESPACES=number"
  )
  func many() throws {
    let count = OwnProcess.environment["KEPT_NAMESPACES"].flatMap { Int($0) } ?? 8
    let tenants = (0..<count).map { Tenant(namespace: "kept-many-\($0)") }
    // As many pods as a kubelet takes.
    let batches = stride(from: 0, to: count, by: 50).map { tenants[$0..<min($0 + 50, count)] }
    try Tenant.with([]) {
      for tenant in tenants { try tenant.create() }
      for batch in batches {
        try each(batch, "echo $POD_NAMESPACE >/data/file && sync && cat /data/file")
      }
      try Cluster.kubectl(["delete", "namespace", "--timeout=400s"] + tenants.map(\.namespace))
      for tenant in tenants { try tenant.create() }
      for batch in batches { try each(batch, "cat /data/file") }
      #expect(try Tenant.kept().count == count)
      try Cluster.kubectl(
        ["annotate", "namespace"] + tenants.map(\.namespace) + ["volumes.k8s.elastic.co/delete-data=true"])
      try Cluster.kubectl(["delete", "namespace", "--timeout=400s"] + tenants.map(\.namespace))
    }
  }

  /// Runs a script in a pod of each tenant, which has to print the tenant's name.
  private func each(_ tenants: ArraySlice<Tenant>, _ script: String) throws {
    for tenant in tenants {
      let pod = Pod(name: "pod", script: script)
      let manifest = pod.manifest(claim: "data")
        .replacing("metadata: {", with: "metadata: {namespace: \(tenant.namespace), ")
        .replacing("spec:\n", with: "spec:\n  restartPolicy: Never\n")
        .replacing("env: [", with: "env: [{name: POD_NAMESPACE, value: \(tenant.namespace)}, ")
      if try tenant.pv().isEmpty { try tenant.addClaim() }
      try Cluster.apply(manifest)
    }
    for tenant in tenants {
      #expect(
        try eventually {
          try Cluster.kubectl("get", "-n", tenant.namespace, "pod", "pod", "-o", "jsonpath={.status.phase}")
            == "Succeeded"
        }, "\(tenant.namespace)")
      #expect(try Cluster.kubectl("logs", "-n", tenant.namespace, "pod") == tenant.namespace + "\n")
      try Cluster.kubectl("delete", "-n", tenant.namespace, "pod", "pod", "--wait=false")
    }
  }

  private func phase(of pv: String) throws -> String {
    try Cluster.kubectl("get", "pv", pv, "-o", "jsonpath={.status.phase}")
  }

  private func since(_ pv: String) throws -> String {
    try Cluster.kubectl(
      "get", "pv", pv, "-o", "jsonpath={.metadata.annotations.volumes\\.k8s\\.elastic\\.co/kept-since}")
  }

  private func annotateClaim(_ tenant: Tenant, _ annotation: String) throws {
    try Cluster.kubectl("annotate", "-n", tenant.namespace, "pvc", "data", "--overwrite", annotation)
  }

  private func finalizers(_ tenant: Tenant) throws -> String {
    try Cluster.kubectl("get", "-n", tenant.namespace, "pvc", "data", "-o", "jsonpath={.metadata.finalizers}")
  }
}
