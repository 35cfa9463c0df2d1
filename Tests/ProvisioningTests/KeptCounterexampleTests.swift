import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@testable import Provisioning

@Suite("Kept volumes whose data was once lost", .timeLimit(.minutes(5)))
struct KeptCounterexampleTests {
  private static let claim = ObjectKey(namespace: "tenant", name: "data")

  /// Lets Kubernetes and the provisioner act for a while. What must not happen could happen then.
  private func pass(_ world: KeptWorld) async throws {
    for _ in 0..<30 {
      world.actAsKubernetes()
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(await eventually { world.isIdle })
  }

  private func isKept(_ volume: PersistentVolume, in world: KeptWorld) -> Bool {
    world.volumes.contains { $0.metadata.name == volume.metadata.name && $0.reclaimPolicy == "Retain" }
  }

  private func loses(_ world: KeptWorld) async throws {
    try await world.removeClaim("tenant")
    #expect(
      await world.becomes { world.volumes.first?.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil })
  }

  @Test(
    "the deletion request of a former namespace does not count for a volume of the next one, although a watch is behind"
  )
  func formerNamespace() async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let first = try await world.bound("tenant")
    world.annotate(Namespace.resource, ObjectKey(name: "tenant"), ClusterNames.deleteDataAnnotation, "true")
    #expect(
      await world.becomes {
        world.claim("tenant")?.metadata.finalizers.contains(ClusterNames.deleteDataFinalizer) == true
      })
    world.server.holdWatches(of: Namespace.resource)
    try await world.replaceNamespace("tenant", owner: nil)
    let second = try await world.bound("tenant")
    #expect(second.metadata.name != first.metadata.name)
    world.server.showWatches()
    try await pass(world)
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    try await pass(world)
    #expect(isKept(second, in: world))
    #expect(world.truth.violations == [])
    await world.stopProvisioner()
  }

  @Test(
    "a deletion request that was withdrawn deletes nothing, although a list leaves the withdrawal out",
    arguments: [PersistentVolumeClaim.resource, Namespace.resource])
  func withdrawn(from resource: APIResource) async throws {
    let world = try await KeptWorld()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let volume = try await world.bound("tenant")
    let key = resource.isNamespaced ? Self.claim : ObjectKey(name: "tenant")
    world.annotate(resource, key, ClusterNames.deleteDataAnnotation, "true")
    #expect(await world.becomes { world.claim("tenant")?.metadata.finalizers.count == 2 })
    #expect(await eventually { world.isIdle })
    world.server.holdWatches(of: resource)
    world.annotate(resource, key, ClusterNames.deleteDataAnnotation, nil)
    if resource.isNamespaced {
      try await world.removeClaim("tenant")
      world.server.edit(resource, key) { $0[["metadata", "finalizers"]] = [.string(ClusterNames.deleteDataFinalizer)] }
      // A change of the PV, such as a report of its node, has the claim looked at.
      world.annotate(PersistentVolume.resource, volume.metadata.key, "example.com/seen", "1")
    } else {
      try await world.removeNamespace("tenant")
    }
    #expect(await world.becomes { world.claim("tenant") == nil })
    world.server.compact()
    world.server.endWatches(isBroken: true)
    world.server.showWatches()
    try await pass(world)
    #expect(isKept(volume, in: world))
    await world.stopProvisioner()
  }

  @Test("a claim whose deletion request was there before it was bound leaves no volume")
  func requestedBeforeBound() async throws {
    let world = try await KeptWorld()
    world.truth.allowExpiry()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    try await world.addClaim("tenant")
    world.annotate(PersistentVolumeClaim.resource, Self.claim, ClusterNames.deleteDataAnnotation, "true")
    #expect(await eventually { !world.volumes.isEmpty })
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.volumes.isEmpty })
    await world.stopProvisioner()
  }

  @Test(
    "a claim that came back before the end has its data, although no provisioner ran until the time was over",
    arguments: 0..<10)
  func cameBackInTime(round: Int) async throws {
    let time = ManualTime()
    let world = try await KeptWorld(
      time: time, keep: "10h", binding: round % 2 == 0 ? "Immediate" : "WaitForFirstConsumer")
    world.truth.allowExpiry()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let volume = try await world.bound("tenant")
    try await loses(world)
    try await advance(world, time, steps: 56)
    #expect(world.volumes.first?.metadata.annotations[ClusterNames.expiresAnnotation] != nil)
    await world.stopProvisioner()
    try await world.addClaim("tenant")
    time.advance(by: .seconds(7200))
    world.startProvisioner()
    var tries = 0
    while world.claim("tenant")?.volumeName.isEmpty != false, tries < 2_000 {
      world.actAsKubernetes()
      time.advance(by: .milliseconds(100))
      try await Task.sleep(for: .milliseconds(5))
      tries += 1
    }
    #expect(world.claim("tenant")?.volumeName == volume.metadata.name)
    await world.stopProvisioner()
  }

  private func advance(_ world: KeptWorld, _ time: ManualTime, steps: Int) async throws {
    for _ in 0..<steps {
      time.advance(by: .seconds(600))
      world.actAsKubernetes()
      let isIdle = await eventually { world.isIdle }
      try #require(isIdle)
    }
  }

  /// How long a volume is kept from now on; nil if it is not deleted within 40 hours.
  private func lasting(_ world: KeptWorld, _ time: ManualTime) async throws -> Duration? {
    let began = time.now
    for _ in 0..<240 {
      if world.volumes.first?.reclaimPolicy != "Retain" { return time.now - began }
      try await advance(world, time, steps: 1)
    }
    return nil
  }

  @Test(
    "a PV that somebody has bound by hand is kept for the whole time again when that claim goes", arguments: [57, 30])
  func boundByHand(steps: Int) async throws {
    let time = ManualTime()
    let world = try await KeptWorld(time: time, keep: "10h")
    world.truth.allowExpiry()
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let volume = try await world.bound("tenant")
    try await loses(world)
    try await advance(world, time, steps: steps)
    await world.stopProvisioner()
    // As for any Released PV: its claimRef is cleared, and Kubernetes binds it.
    try await world.addClaim("tenant")
    world.server.edit(PersistentVolume.resource, volume.metadata.key) {
      $0[["spec", "claimRef", "uid"]] = nil
      $0[["status", "phase"]] = "Available"
    }
    world.actAsKubernetes()
    #expect(world.claim("tenant")?.phase == "Bound")
    let uid = try #require(world.claim("tenant")?.metadata.uid)
    world.server.edit(PersistentVolume.resource, volume.metadata.key) {
      $0[["spec", "claimRef", "uid"]] = .string(uid)
    }
    time.advance(by: .seconds(3600 * 300))
    try await world.removeClaim("tenant")
    #expect(await world.becomes { world.claim("tenant") == nil })
    world.startProvisioner()
    #expect(try await lasting(world, time).map { $0 >= .seconds(36_000) } == true)
    await world.stopProvisioner()
  }

  @Test("the recorded time of a PV that has a claim is removed")
  func forgotten() async throws {
    let world = try await KeptWorld(keep: "10h")
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let volume = try await world.bound("tenant")
    world.annotate(
      PersistentVolume.resource, volume.metadata.key, ClusterNames.expiresAnnotation, "2023-01-01T00:00:00Z")
    #expect(
      await world.becomes { world.volumes.first?.metadata.annotations[ClusterNames.expiresAnnotation] == nil })
    await world.stopProvisioner()
  }

  @Test("a clock that was behind when the claim went shortens nothing")
  func clockBehind() async throws {
    let time = ManualTime()
    let world = try await KeptWorld(time: time, keep: "10h", binding: "WaitForFirstConsumer")
    world.truth.allowExpiry()
    world.server.clockSkew = .seconds(-3600 * 24 * 365)
    world.startProvisioner()
    try await world.addNamespace("tenant")
    _ = try await world.bound("tenant")
    try await loses(world)
    world.server.clockSkew = .zero
    #expect(try await lasting(world, time).map { $0 >= .seconds(36_000) } == true)
    await world.stopProvisioner()
  }

  @Test(
    "the time does not end while an operator has given the volume to a claim, or while a claim waits for the decision",
    arguments: [true, false])
  func decided(isGiven: Bool) async throws {
    let time = ManualTime()
    let world = try await KeptWorld(time: time, keep: "10h")
    world.truth.allowExpiry()
    try await world.addClass("other", keep: "forever")
    world.startProvisioner()
    try await world.addNamespace("tenant")
    let volume = try await world.bound("tenant")
    try await loses(world)
    if isGiven {
      world.annotate(PersistentVolume.resource, volume.metadata.key, ClusterNames.giveToAnnotation, "heir/data")
    } else {
      try await world.addClaim("tenant", className: "other")
    }
    try await advance(world, time, steps: 100)
    #expect(isKept(volume, in: world))
    await world.stopProvisioner()
  }
}
