import Testing

/// PVPool's own cases of checkouts, by their names there (tests/e2e/checkout_test.go).
@Suite("Checkouts from pools", .serialized, .node)
struct CheckoutTests {
  @Test("Checkout: a claim of the checkout's name is bound, and the pool is refilled")
  func checkout() throws {
    try PooledNamespace.with("checkout") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.awaitSettled("tools", 1)
      let replica = try #require(try namespace.replicas("tools").first)
      let volume = try namespace.claim(replica, ".spec.volumeName")
      try namespace.apply(checkout: "mine", pool: "tools")
      #expect(try namespace.awaitAcquired("mine") == "mine")
      #expect(try namespace.claim("mine", ".spec.volumeName") == volume)
      #expect(try namespace.run("echo new >/data/file && cat /data/file", with: "mine") == "new\n")
      #expect(try eventually { try !namespace.replicas("tools").contains(replica) })
      try namespace.awaitSettled("tools", 1)
    }
  }

  @Test("AcrossNamespaces: a pool that allows another namespace serves a checkout there")
  func acrossNamespaces() throws {
    try PooledNamespace.with("checkout-pool", "checkout-user") { namespaces in
      let (owner, user) = (namespaces[0], namespaces[1])
      try owner.apply(pool: "tools", replicas: 1, more: "  allowedNamespaces: [\(user.name)]")
      try user.apply(checkout: "mine", pool: "tools", in: owner)
      try user.awaitAcquired("mine")
      #expect(try user.run("echo new >/data/file && cat /data/file", with: "mine") == "new\n")
      try owner.awaitSettled("tools", 1)
    }
  }

  @Test("PoolAvailability: five checkouts from a pool of three all have a volume of their own")
  func poolAvailability() throws {
    try PooledNamespace.with("checkout-five") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 3)
      let checkouts = (1...5).map { "checkout-\($0)" }
      for checkout in checkouts { try namespace.apply(checkout: checkout, pool: "tools") }
      for checkout in checkouts { try namespace.awaitAcquired(checkout) }
      let volumes = try Set(checkouts.map { try namespace.claim($0, ".spec.volumeName") })
      #expect(volumes.count == 5)
      try namespace.awaitSettled("tools", 3)
    }
  }

  @Test("WithInitJob: a pod reads what the pool's init job has written")
  func initJob() throws {
    try PooledNamespace.with("checkout-init") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(
        pool: "tools", replicas: 1, more: PooledNamespace.initJob("echo test-value >/workspace/test"))
      try namespace.apply(checkout: "mine", pool: "tools")
      let claim = try namespace.awaitAcquired("mine")
      #expect(try namespace.run("cat /data/test", with: claim) == "test-value\n")
    }
  }

  @Test("an init job that fails says so, and no replica of it is handed out")
  func failingInitJob() throws {
    try PooledNamespace.with("checkout-failing") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1, more: PooledNamespace.initJob("exit 3"))
      try namespace.apply(checkout: "mine", pool: "tools")
      let reason = "jsonpath={.status.conditions[?(@.type==\"Settlement\")].reason}"
      #expect(try eventually { try namespace.kubectl("get", "pool", "tools", "-o", reason) == "InitJobFailed" })
      #expect(try namespace.condition(of: "mine") == "Unknown/NotAvailable")
    }
  }

  @Test("BeforePoolCreation: a checkout waits for a pool that does not exist yet")
  func beforePoolCreation() throws {
    try PooledNamespace.with("checkout-early") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(checkout: "mine", pool: "tools")
      #expect(try eventually { try namespace.condition(of: "mine") == "Unknown/PoolDoesNotExist" })
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.awaitAcquired("mine")
    }
  }

  @Test("BeforePoolHasReplicas: a checkout waits for an empty pool to be scaled up")
  func beforePoolHasReplicas() throws {
    try PooledNamespace.with("checkout-empty") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 0)
      try namespace.apply(checkout: "mine", pool: "tools")
      #expect(try eventually { try namespace.condition(of: "mine") == "Unknown/NotAvailable" })
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.awaitAcquired("mine")
    }
  }

  @Test("ClaimName: the claim has the name that the checkout asks for")
  func claimName() throws {
    try PooledNamespace.with("checkout-name") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.apply(checkout: "mine", pool: "tools", more: "  claimName: other")
      #expect(try namespace.awaitAcquired("mine") == "other")
    }
  }

  @Test("ClaimInUse: a foreign claim of the name is a conflict, and the checkout goes on when it is deleted")
  func claimInUse() throws {
    try PooledNamespace.with("checkout-conflict") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try Cluster.apply(
        ClaimedVolume(name: "mine").manifest("elastic-local", "320Mi")
          .replacing("metadata: {", with: "metadata: {namespace: \(namespace.name), "))
      let foreign = try namespace.claim("mine", ".metadata.uid")
      try namespace.apply(checkout: "mine", pool: "tools")
      #expect(try eventually { try namespace.condition(of: "mine") == "Unknown/Conflict" })
      #expect(try namespace.claim("mine", ".metadata.uid") == foreign)
      try namespace.kubectl("delete", "pvc", "mine", "--timeout=180s")
      try namespace.awaitAcquired("mine")
    }
  }

  @Test("AccessModes: a checkout of other access modes than its pool's has them in spec and status of its claim")
  func accessModes() throws {
    try PooledNamespace.with("checkout-modes") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.apply(checkout: "mine", pool: "tools", more: "  accessModes: [ReadOnlyMany]")
      try namespace.awaitAcquired("mine")
      #expect(try namespace.claim("mine", ".spec.accessModes[*]") == "ReadOnlyMany")
      #expect(try namespace.claim("mine", ".status.accessModes[*]") == "ReadOnlyMany")
    }
  }

  @Test("PVCReplacement: a checked-out claim that somebody deletes comes again with another volume")
  func claimReplacement() throws {
    try PooledNamespace.with("checkout-again") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.apply(checkout: "mine", pool: "tools")
      try namespace.awaitAcquired("mine")
      let (uid, volume) = (
        try namespace.claim("mine", ".metadata.uid"), try namespace.claim("mine", ".spec.volumeName")
      )
      try namespace.kubectl("delete", "pvc", "mine", "--timeout=180s")
      #expect(try eventually { try !["", uid].contains(namespace.claim("mine", ".metadata.uid")) })
      try namespace.awaitAcquired("mine")
      #expect(try namespace.claim("mine", ".spec.volumeName") != volume)
    }
  }

  @Test("Mutability: a checkout is not changed while it has a volume, and can be when it has none")
  func mutability() throws {
    try PooledNamespace.with("checkout-change") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 1)
      try namespace.apply(checkout: "mine", pool: "tools")
      try namespace.awaitAcquired("mine")
      let volume = try namespace.claim("mine", ".spec.volumeName")
      // Rules in schemas are known to API servers from 1.25 on; before, the controller lets the claim stay as it is.
      if Cluster.minor >= 25 {
        #expect(throws: Trouble.self) {
          try namespace.apply(checkout: "mine", pool: "tools", more: "  claimName: other")
        }
      }
      #expect(try namespace.claim("mine", ".spec.volumeName") == volume)
      try namespace.apply(pool: "tools", replicas: 0)
      try namespace.awaitNoReplicas("tools")
      try namespace.kubectl("delete", "pvc", "mine", "--timeout=180s")
      #expect(
        try eventually {
          try namespace.kubectl("get", "checkout", "mine", "-o", "jsonpath={.status.volumeName}").isEmpty
        })
      try namespace.apply(checkout: "mine", pool: "tools", more: "  claimName: other")
      try namespace.apply(pool: "tools", replicas: 1)
      #expect(try namespace.awaitAcquired("mine") == "other")
    }
  }

  @Test(
    "RBAC: without the right to use a pool a checkout is Forbidden; the right for one pool is none for another",
    .admissionPolicies)
  func rights() throws {
    try PooledNamespace.with("checkout-rights") { namespaces in
      let namespace = namespaces[0]
      for pool in ["tools", "other"] { try namespace.apply(pool: pool, replicas: 1) }
      try namespace.allow("alice", "checkouts", ["create", "get", "patch"])
      let refusal = try #require(try namespace.refusal(of: "alice", checkout: "mine", pool: "tools"))
      #expect(refusal.contains("orbidden"), "\(refusal)")
      try namespace.allow("alice", "pools", ["use"], named: "tools")
      #expect(try eventually { try namespace.refusal(of: "alice", checkout: "mine", pool: "tools") == nil })
      try namespace.awaitAcquired("mine")
      let other = try #require(try namespace.refusal(of: "alice", checkout: "second", pool: "other"))
      #expect(other.contains("orbidden"), "\(other)")
    }
  }
}
