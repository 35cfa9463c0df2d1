import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import TestSupport
import Testing

@testable import Provisioning

/// Volumes that outlive their claims, with the whole provisioner at an API server in memory.
@Suite("Kept volumes", .timeLimit(.minutes(5)))
struct KeptVolumeTests {
  @Test(
    "a claim that is created again gets its volume back with one write, also while it waits for a pod",
    arguments: [
      "Immediate", "WaitForFirstConsumer",
    ])
  func comesBack(binding: String) async throws {
    let world = try await KeptWorld(binding: binding)
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    let writesOfTheFirst = world.writes
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.volumes.first?.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil })
    let writesBefore = world.writes
    let second = try await world.bound("tenant")
    #expect(second.metadata.name == first.metadata.name)
    #expect(second.metadata.annotations[ClusterNames.keptSinceAnnotation] == nil)
    #expect(world.volumes.count == 1)
    #expect(writesOfTheFirst == 1)
    #expect(world.writes - writesBefore == 1)
    #expect(await eventually { world.events(.keptVolumeReturned).count == 1 })
    await world.end()
  }

  @Test("a namespace that is deleted and created again gets its data back; with another owner it gets a conflict")
  func namespace() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant", owner: "alice")
    let first = try await world.bound("tenant")
    try await world.replaceNamespace("tenant", owner: "mallory")
    try await world.addClaim("tenant")
    #expect(await world.becomes { !world.events(.keptVolumeConflict).isEmpty })
    #expect(world.claim("tenant")?.volumeName == "")
    #expect(world.volumes.map(\.metadata.name) == [first.metadata.name])
    try await world.replaceNamespace("tenant", owner: "alice")
    let again = try await world.bound("tenant")
    #expect(again.metadata.name == first.metadata.name)
    await world.end()
  }

  @Test(
    "a conflict ends when an operator gives the volume to the claim, or requests the deletion of the data",
    arguments: [true, false])
  func decision(isGiven: Bool) async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant", owner: "alice")
    let first = try await world.bound("tenant")
    try await world.replaceNamespace("tenant", owner: "bob")
    try await world.addClaim("tenant")
    #expect(await world.becomes { !world.events(.keptVolumeConflict).isEmpty })
    let key = first.metadata.key
    if isGiven {
      world.annotate(PersistentVolume.resource, key, ClusterNames.giveToAnnotation, "tenant/data")
    } else {
      world.truth.condemn(first.metadata.name)
      world.annotate(PersistentVolume.resource, key, ClusterNames.deleteDataAnnotation, "true")
    }
    let second = try await world.bound("tenant", isThere: true)
    #expect((second.metadata.name == first.metadata.name) == isGiven)
    #expect(second.metadata.annotations[ClusterNames.keptForAnnotation] == "owner:bob")
    #expect(await world.becomes { world.volumes.count == 1 })
    await world.end()
  }

  @Test("an owner's data follows to a namespace of another name, but only when the former claim is gone")
  func ownerFollows() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("preview-1", owner: "alice")
    let first = try await world.bound("preview-1")
    try await world.addNamespace("preview-2", owner: "alice")
    let second = try await world.bound("preview-2")
    #expect(second.metadata.name != first.metadata.name)
    try await world.removeNamespace("preview-1")
    #expect(await world.becomes { world.claim("preview-1") == nil })
    try await world.addNamespace("preview-3", owner: "alice")
    let third = try await world.bound("preview-3")
    #expect(third.metadata.name == first.metadata.name)
    await world.end()
  }

  @Test("a larger claim is bound to its kept volume, which then grows; a smaller one gets the volume as it is")
  func sizes() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant", gibibytes: 2)
    for gibibytes in [5, 1] {
      try await world.removeClaim("tenant")
      #expect(await world.becomes { world.claim("tenant") == nil })
      let again = try await world.bound("tenant", gibibytes: gibibytes)
      #expect(again.metadata.name == first.metadata.name)
      // Kubelet grows the volume to this size.
      #expect(await world.becomes { world.volumes.first?.size == .gibibytes(5) })
    }
    await world.end()
  }

  @Test(
    "a claim of another class that keeps volumes gets nothing until an operator decides; a claim of a class that keeps none gets a new volume"
  )
  func otherClass() async throws {
    let world = try await KeptWorld()
    try await world.addClass("other", keep: "30d")
    try await world.addClass("plain", keep: nil)
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    try await world.addClaim("tenant", className: "other")
    #expect(await world.becomes { !world.events(.keptVolumeConflict).isEmpty })
    #expect(world.volumes.count == 1)
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    let plain = try await world.bound("tenant", className: "plain")
    #expect(plain.metadata.name != first.metadata.name)
    await world.end()
  }

  @Test("of two volumes that are kept for a claim, it gets the one that was in use last, and the Event names the other")
  func two() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("one", owner: "alice")
    try await world.addNamespace("two", owner: "alice")
    _ = try await world.bound("one")
    let second = try await world.bound("two")
    try await world.removeClaim("one")
    #expect(
      await world.becomes {
        world.volumes.contains { $0.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil }
      })
    let first = try #require(world.volumes.first { $0.metadata.name != second.metadata.name })
    world.annotate(
      PersistentVolume.resource, first.metadata.key, ClusterNames.keptSinceAnnotation, "2026-01-01T00:00:00Z")
    try await world.removeClaim("two")
    #expect(
      await world.becomes {
        world.volumes.allSatisfy { $0.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil }
      })
    try await world.addNamespace("three", owner: "alice")
    #expect(try await world.bound("three").metadata.name == second.metadata.name)
    #expect(
      await eventually {
        world.events(.keptVolumeReturned).contains { $0.message.contains("also kept for this claim") }
      })
    await world.end()
  }

  @Test("a PV that is left without a claim's UID is reserved again")
  func reservedAgain() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    await world.stopProvisioner()
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    world.server.edit(PersistentVolume.resource, first.metadata.key) { object in
      object[["spec", "claimRef"]] = nil
      object[["status", "phase"]] = "Available"
    }
    world.startProvisioner()
    #expect(await eventually { world.volumes.first?.claim?.uid == first.metadata.uid })
    #expect(world.volumes.first?.claim?.name == "data")
    #expect(try await world.bound("tenant").metadata.name == first.metadata.name)
    await world.stopProvisioner()
  }
}

// MARK: - Deletion for good

extension KeptVolumeTests {
  @Test(
    "the data of a claim with a deletion request is deleted, however soon the claim is created again",
    arguments: [true, false])
  func deletion(isSeenBefore: Bool) async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    let key = ObjectKey(namespace: "tenant", name: "data")
    world.annotate(PersistentVolumeClaim.resource, key, ClusterNames.deleteDataAnnotation, "true")
    if isSeenBefore {
      #expect(
        await world.becomes {
          world.claim("tenant")?.metadata.finalizers.contains(ClusterNames.deleteDataFinalizer) == true
        })
    }
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    let second = try await world.bound("tenant")
    #expect(second.metadata.name != first.metadata.name)
    #expect(await world.becomes { world.volumes.count == 1 })
    await world.end()
  }

  @Test("running pods delay the deletion, and until they have ended the request can be withdrawn")
  func wordTakenBack() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    let key = ObjectKey(namespace: "tenant", name: "data")
    world.annotate(PersistentVolumeClaim.resource, key, ClusterNames.deleteDataAnnotation, "true")
    #expect(await world.becomes { world.claim("tenant")?.metadata.finalizers.count == 2 })
    try await world.removeClaim("tenant")
    #expect(await world.becomes(usedClaims: [key]) { world.claim("tenant")?.metadata.isBeingDeleted == true })
    world.annotate(PersistentVolumeClaim.resource, key, ClusterNames.deleteDataAnnotation, nil)
    #expect(await world.becomes { world.claim("tenant") == nil })
    #expect(try await world.bound("tenant").metadata.name == first.metadata.name)
    // The truth still counts the withdrawn request, so it would not see a loss of this data.
    await world.stopProvisioner()
    #expect(world.truth.violations == [])
  }

  @Test("a deletion request on a namespace deletes the data of its claims, and what was kept for it before")
  func namespaceWord() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    _ = try await world.bound("tenant", "one")
    _ = try await world.bound("tenant", "two")
    try await world.removeClaim("tenant", "two")
    #expect(await world.becomes { world.claim("tenant", "two") == nil })
    world.annotate(Namespace.resource, ObjectKey(name: "tenant"), ClusterNames.deleteDataAnnotation, "true")
    #expect(await world.becomes { world.volumes.count == 1 })
    try await world.removeNamespace("tenant")
    #expect(await world.becomes { world.volumes.isEmpty })
    await world.end()
  }

  @Test("a deletion request on a namespace of the same name and another owner deletes nothing")
  func intrudersWord() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant", owner: "alice")
    let first = try await world.bound("tenant")
    try await world.replaceNamespace("tenant", owner: "mallory")
    world.annotate(Namespace.resource, ObjectKey(name: "tenant"), ClusterNames.deleteDataAnnotation, "true")
    #expect(await world.becomes { world.volumes.first?.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil })
    try await world.replaceNamespace("tenant", owner: "alice")
    #expect(try await world.bound("tenant").metadata.name == first.metadata.name)
    await world.end()
  }
}

// MARK: - Crashes

extension KeptVolumeTests {
  @Test(
    "a provisioner that is killed after any of its writes, and its successor, lose no volume and create none twice",
    arguments: 1...8)
  func killed(afterWrites count: Int) async throws {
    let world = try await KeptWorld()
    world.startProvisioner(dyingAfter: count)
    try await world.addNamespace("tenant", owner: "alice")
    try await world.addNamespace("other")
    var names: Set<String> = []
    for round in 0..<3 {
      for namespace in ["tenant", "other"] { try await world.addClaim(namespace, gibibytes: round + 1) }
      let isBound = await world.becomes {
        if world.isDead { return true }
        return ["tenant", "other"].allSatisfy { world.claim($0)?.phase == "Bound" }
      }
      #expect(isBound)
      if world.isDead {
        await world.stopProvisioner()
        world.startProvisioner()
        #expect(await world.becomes { ["tenant", "other"].allSatisfy { world.claim($0)?.phase == "Bound" } })
      }
      names.formUnion(world.volumes.map(\.metadata.name))
      for namespace in ["tenant", "other"] {
        try await world.replaceNamespace(namespace, owner: namespace == "tenant" ? "alice" : nil)
      }
    }
    #expect(names.count == 2)
    await world.end()
  }
}

// MARK: - Many

extension KeptVolumeTests {
  @Test("200 namespaces that are deleted and created again at once get their own volumes back, and none gets another's")
  func many() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    let names = (0..<200).map { "tenant-\($0)" }
    var volumes: [[String]] = []
    for _ in 0..<2 {
      for name in names {
        try await world.addNamespace(name)
        try await world.addClaim(name)
      }
      let areBound = await world.slowlyBecomes {
        world.server.objects(PersistentVolumeClaim.self).allSatisfy { $0.phase == "Bound" }
      }
      try #require(areBound)
      let claims = world.server.objects(PersistentVolumeClaim.self)
      volumes.append(names.map { name in claims.first { $0.metadata.namespace == name }?.volumeName ?? "" })
      for name in names { try await world.removeNamespace(name) }
      #expect(await world.slowlyBecomes { world.server.objects(Namespace.self).isEmpty })
    }
    #expect(volumes[0] == volumes[1])
    #expect(Set(volumes[0]).count == names.count)
    await world.end()
  }
}

// MARK: - Helpers

extension KeptWorld {
  /// Creates a claim, waits until it is bound, and returns its PV.
  func bound(
    _ namespace: String, _ name: String = "data", gibibytes: Int = 1, className: String = keptClass,
    isThere: Bool = false
  ) async throws -> PersistentVolume {
    if !isThere { try await addClaim(namespace, name, gibibytes: gibibytes, className: className) }
    let isBound = await becomes { self.claim(namespace, name)?.phase == "Bound" }
    try #require(isBound, "claim \(namespace)/\(name): \(events(.keptVolumeConflict).map(\.message))")
    let volume = volumes.first { $0.metadata.name == claim(namespace, name)?.volumeName }
    return try #require(volume)
  }

  /// Waits until the condition holds, while Kubernetes' controllers act.
  func becomes(usedClaims: Set<ObjectKey> = [], _ condition: () -> Bool) async -> Bool {
    await eventually {
      actAsKubernetes(usedClaims: usedClaims)
      return condition()
    }
  }

  /// The same for many objects: Kubernetes' controllers act less often, and the time limit is longer.
  func slowlyBecomes(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<3000 {
      actAsKubernetes()
      if condition() { return true }
      try? await Task.sleep(for: .milliseconds(100))
    }
    return false
  }

  /// Deletes a namespace with all its claims, and creates one of its name.
  func replaceNamespace(_ name: String, owner: String?) async throws {
    try await removeNamespace(name)
    let isGone = await becomes { !self.server.objects(Namespace.self).contains { $0.metadata.name == name } }
    try #require(isGone)
    try await addNamespace(name, owner: owner)
  }

  func end() async {
    await stopProvisioner()
    #expect(truth.violations == [])
  }
}
