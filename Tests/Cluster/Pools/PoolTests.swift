import Testing

/// PVPool's own cases of pools, by their names there (tests/e2e/pool_test.go).
@Suite("Pools of volumes", .serialized, .node)
struct PoolTests {
  @Test("ScaleUpDown: a pool settles with three replicas, and then with two")
  func scaleUpDown() throws {
    try PooledNamespace.with("pool-scale") { namespaces in
      let namespace = namespaces[0]
      for replicas in [3, 2] {
        try namespace.apply(pool: "tools", replicas: replicas)
        try namespace.awaitSettled("tools", replicas)
        #expect(try eventually { try namespace.replicas("tools").count == replicas })
      }
    }
  }

  @Test("PVCReplacement: a replica whose claim somebody deletes is replaced")
  func claimReplacement() throws {
    try PooledNamespace.with("pool-replacement") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 3)
      try namespace.awaitSettled("tools", 3)
      let before = try namespace.replicas("tools")
      let victim = try #require(before.randomElement())
      try namespace.kubectl("delete", "pvc", victim, "--timeout=180s")
      #expect(try eventually { try Set(namespace.replicas("tools")).subtracting(before).count == 1 })
      try namespace.awaitSettled("tools", 3)
      #expect(try !namespace.replicas("tools").contains(victim))
    }
  }

  @Test("WithSameSelector: two pools with one selector both settle")
  func sameSelector() throws {
    try PooledNamespace.with("pool-selector") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "first", replicas: 2, label: "same")
      try namespace.apply(pool: "second", replicas: 2, label: "same")
      try namespace.awaitSettled("first", 2)
      try namespace.awaitSettled("second", 2)
      #expect(try namespace.replicas("same").count == 4)
    }
  }

  @Test("a pool that is deleted leaves no claim, no PV and no volume; what was checked out stays")
  func deletion() throws {
    try PooledNamespace.with("pool-deletion") { namespaces in
      let namespace = namespaces[0]
      try namespace.apply(pool: "tools", replicas: 2)
      try namespace.awaitSettled("tools", 2)
      try namespace.apply(checkout: "mine", pool: "tools")
      let claim = try namespace.awaitAcquired("mine")
      #expect(try namespace.run("echo mine >/data/file && cat /data/file", with: claim) == "mine\n")
      try namespace.kubectl("delete", "pool", "tools", "--timeout=180s")
      #expect(try namespace.replicas("tools").isEmpty)
      #expect(try namespace.run("cat /data/file", with: claim) == "mine\n")
    }
  }
}
