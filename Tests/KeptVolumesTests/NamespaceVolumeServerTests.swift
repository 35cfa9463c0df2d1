import JSON
import KeptVolumes
import KubernetesAPI
import StorageModel
import TestSupport
import Testing

/// The keeper with its lists, watches, Events and requests at a simulated API server.
@Suite("Namespaces' volumes at an API server", .timeLimit(.minutes(5)))
struct NamespaceVolumeServerTests {
  private func working(_ body: (NamespaceWorld) async throws -> Void) async throws {
    let world = try await NamespaceWorld()
    let running = world.begin()
    do {
      try await body(world)
    } catch {
      running.cancel()
      await running.value
      throw error
    }
    running.cancel()
    await running.value
  }

  @Test(
    "a namespace with the label gets its claim, one without gets it when it is labelled, and keeps it without the label"
  )
  func label() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "25Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      let claim = try #require(world.claim(in: "team"))
      #expect(claim.storageClassName == "elastic-local-kept" && claim.request == Quantity(.gibibytes(25)))
      #expect(claim.accessModes == ["ReadWriteOnce"] && claim.volumeMode == "Filesystem")
      #expect(claim.metadata.labels[ClusterNames.namespaceVolumeLabel] == "true")
      try await world.addNamespace("later", size: nil)
      world.setLabel(of: "later", to: "1Gi")
      #expect(await eventually { world.claim(in: "later") != nil })
      world.setLabel(of: "later", to: nil)
      // A later change in the same watch has been seen, so the removal of the label has been seen too.
      try await world.addNamespace("last", size: "1Gi")
      #expect(await eventually { world.claim(in: "last") != nil })
      #expect(world.claim(in: "later") != nil && world.events(on: "later").isEmpty)
    }
  }

  @Test("annotations name class and claim")
  func annotations() async throws {
    try await working { world in
      try await world.addClass("fast")
      let annotations = [
        ClusterNames.namespaceVolumeClassAnnotation: "fast", ClusterNames.namespaceVolumeClaimAnnotation: "all-of-it",
      ]
      try await world.addNamespace("team", size: "2Gi", annotations: annotations)
      let key = ObjectKey(namespace: "team", name: "all-of-it")
      #expect(await eventually { world.claim(key)?.storageClassName == "fast" })
      #expect(world.claim(in: "team") == nil)
    }
  }

  @Test("the claim is created again after it was deleted, and after its namespace was deleted and created again")
  func again() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "25Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      for isNamespace in [false, true, false] {
        let former = try #require(world.claim(in: "team")).metadata.uid
        if isNamespace {
          try await world.deleteNamespace("team")
          try await world.addNamespace("team", size: "25Gi")
        } else {
          try await world.deleteClaim(ObjectKey(namespace: "team", name: NamespaceWorld.claim))
        }
        #expect(await eventually { world.claim(in: "team").map { $0.metadata.uid != former } ?? false })
      }
    }
  }

  @Test("a claim whose deletion waits for a pod is created again only after it is gone")
  func protected() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "1Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      let key = ObjectKey(namespace: "team", name: NamespaceWorld.claim)
      world.server.edit(PersistentVolumeClaim.resource, key) {
        $0[["metadata", "finalizers"]] = ["kubernetes.io/pvc-protection"]
      }
      let former = try #require(world.claim(in: "team")).metadata.uid
      try await world.deleteClaim(key)
      #expect(world.claim(in: "team")?.metadata.isBeingDeleted == true)
      world.server.edit(PersistentVolumeClaim.resource, key) { $0[["metadata", "finalizers"]] = [] }
      #expect(await eventually { world.claim(in: "team").map { $0.metadata.uid != former } ?? false })
      #expect(world.events(on: "team").isEmpty)
    }
  }

  @Test("a raised label raises the request of a bound claim, one growth at a time; a lowered one lowers nothing")
  func growth() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "2Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      world.setLabel(of: "team", to: "3Gi")
      world.actAsKubernetes()
      #expect(world.claim(in: "team")?.request == Quantity(.gibibytes(2)), "it is not bound yet")
      world.actAsKubernetes()
      #expect(await eventually { world.claim(in: "team")?.request == Quantity(.gibibytes(3)) })
      world.setLabel(of: "team", to: "4Gi")
      try await world.addNamespace("other", size: "1Gi")
      #expect(await eventually { world.claim(in: "other") != nil })
      #expect(world.claim(in: "team")?.request == Quantity(.gibibytes(3)), "a growth goes on")
      world.actAsKubernetes()
      #expect(await eventually { world.claim(in: "team")?.request == Quantity(.gibibytes(4)) })
      world.actAsKubernetes()
      world.setLabel(of: "team", to: "1Gi")
      try await world.addNamespace("last", size: "1Gi")
      #expect(await eventually { world.claim(in: "last") != nil })
      #expect(world.claim(in: "team")?.request == Quantity(.gibibytes(4)))
    }
  }

  @Test(
    "a label that is not a size gets one Event on the namespace, in that namespace; after its correction the claim is created"
  )
  func noSize() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "much")
      #expect(await eventually { !world.events(on: "team").isEmpty })
      let event = try #require(world.events(on: "team").first)
      #expect(event.reason == "InvalidNamespaceVolume" && event.type == "Warning")
      #expect(event.message.contains("\"much\"") && event.metadata.namespace == "team")
      #expect(event.involvedObject.uid == world.namespace("team")?.metadata.uid)
      world.setLabel(of: "team", to: "1Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      #expect(world.events(on: "team").map(\.count) == [1])
    }
  }

  @Test("a class that does not exist gets an Event; the claim is created once the class exists")
  func noClass() async throws {
    try await working { world in
      let annotations = [ClusterNames.namespaceVolumeClassAnnotation: "later"]
      try await world.addNamespace("team", size: "1Gi", annotations: annotations)
      #expect(await eventually { !world.events(on: "team").isEmpty })
      #expect(world.events(on: "team").first?.message.contains("\"later\" does not exist") == true)
      try await world.addClass("later", provisioner: "other.example")
      #expect(
        await eventually { world.events(on: "team").contains { $0.message.contains("other.example") } })
      #expect(world.claim(in: "team") == nil)
      try await world.deleteClass("later")
      try await world.addClass("later")
      #expect(await eventually { world.claim(in: "team")?.storageClassName == "later" })
    }
  }

  @Test("a class that does not let claims grow gets an Event when the label is raised, and the claim is not changed")
  func rigidClass() async throws {
    try await working { world in
      try await world.addClass("rigid", grows: false)
      let annotations = [ClusterNames.namespaceVolumeClassAnnotation: "rigid"]
      try await world.addNamespace("team", size: "1Gi", annotations: annotations)
      #expect(await eventually { world.claim(in: "team") != nil })
      world.actAsKubernetes()
      world.actAsKubernetes()
      world.setLabel(of: "team", to: "2Gi")
      // The namespace may have been shown before its class was, and told of that.
      #expect(
        await eventually { world.events(on: "team").contains { $0.message.contains("allowVolumeExpansion") } })
      #expect(world.claim(in: "team")?.request == Quantity(.gibibytes(1)))
    }
  }

  @Test("a user's claim of that name gets an Event and is not changed; after its deletion, ours is created")
  func foreignClaim() async throws {
    try await working { world in
      let key = ObjectKey(namespace: "team", name: NamespaceWorld.claim)
      try await world.addClaim(key)
      let before = try #require(world.claim(key)).metadata.resourceVersion
      try await world.addNamespace("team", size: "25Gi")
      #expect(await eventually { !world.events(on: "team").isEmpty })
      #expect(world.events(on: "team").first?.reason == "NamespaceVolumeConflict")
      #expect(world.claim(key)?.metadata.resourceVersion == before)
      try await world.deleteClaim(key)
      #expect(await eventually { world.claim(key)?.request == Quantity(.gibibytes(25)) })
    }
  }

  @Test("a claim of ours with another class than the namespace asks for now gets an Event and is not changed")
  func otherClass() async throws {
    try await working { world in
      try await world.addNamespace("team", size: "1Gi")
      #expect(await eventually { world.claim(in: "team") != nil })
      let before = try #require(world.claim(in: "team")).metadata.resourceVersion
      world.server.edit(Namespace.resource, ObjectKey(name: "team")) {
        $0[["metadata", "annotations", ClusterNames.namespaceVolumeClassAnnotation]] = "other"
      }
      #expect(await eventually { !world.events(on: "team").isEmpty })
      #expect(world.events(on: "team").first?.reason == "NamespaceVolumeConflict")
      #expect(world.claim(in: "team")?.metadata.resourceVersion == before)
    }
  }
}
