import Controllers
import JSON
import KeptVolumes
import KubernetesAPI
import LinuxSystem
import StorageModel
import Synchronization
import TestSupport
import Testing

@testable import Provisioning

/// The expiry of kept volumes, with clocks that a test moves.
@Suite("Kept volumes that expire", .timeLimit(.minutes(5)))
struct KeptExpiryTests {
  /// A tenth of ten hours, less one step of the test's clock, which may fall between a decision and its write.
  private let notice = Duration.seconds(3600 - 600)

  @Test("a volume is kept for its time, its end is announced a tenth of that before, and then its data is deleted")
  func ends() async throws {
    let world = try await Aging(keep: "10h")
    let gone = try await world.timeOfEnd()
    #expect(gone >= .seconds(36_000))
    #expect(world.announced.map { $0 >= .seconds(32_400) && gone - $0 >= notice } == true)
    #expect(await eventually { !world.kept.events(.keptVolumeExpiring).isEmpty })
    #expect(await eventually { !world.kept.events(.keptVolumeExpired).isEmpty })
    await world.stop()
  }

  @Test(
    "a clock that is wrong, the API server's or ours, deletes nothing early", arguments: [-20, 20, -1000, 100_000])
  func wrongClock(skewInHours: Int) async throws {
    let world = try await Aging(keep: "10h")
    // The server's clock is right while the claim is deleted, and wrong after that.
    world.kept.server.clockSkew = .seconds(3600 * skewInHours)
    let limit = Duration.seconds(3600 * 40)
    let gone = try await world.timeOfEnd(upTo: limit)
    // By the clock that is behind, the time is over at this moment.
    let earliest = Duration.seconds(36_000) + .seconds(3600 * max(0, -skewInHours))
    // With a clock that is so far behind, the volume does not expire within the limit.
    guard earliest < limit else {
      #expect(gone == nil)
      return await world.stop()
    }
    #expect(try #require(gone) >= earliest)
    await world.stop()
  }

  @Test("a volume whose time was over while no provisioner ran is announced first, and deleted after the notice")
  func lateNotice() async throws {
    let world = try await Aging(keep: "10h")
    await world.kept.stopProvisioner()
    world.time.advance(by: .seconds(3600 * 50))
    world.kept.startProvisioner()
    let gone = try await world.timeOfEnd()
    #expect(world.announced.map { $0 >= .seconds(3600 * 50) && gone - $0 >= notice } == true)
    await world.stop()
  }

  @Test("a claim that comes back in time gets its volume, and the time starts again")
  func comesBack() async throws {
    let world = try await Aging(keep: "10h")
    try await world.pass(until: .seconds(3600 * 9 + 1800)) { world.announced != nil }
    #expect(world.announced != nil)
    let again = try await world.kept.bound("tenant")
    #expect(again.metadata.annotations[ClusterNames.expiresAnnotation] == nil)
    try await world.pass(until: .seconds(3600 * 30)) { false }
    #expect(world.kept.claim("tenant")?.volumeName == again.metadata.name)
    await world.stop()
  }

  @Test("a volume whose returning claim is deleted before it is bound is kept for its time again")
  func goesUnbound() async throws {
    let world = try await Aging(keep: "10h")
    try await world.kept.addClaim("tenant")
    let uid = try #require(world.kept.claim("tenant")?.metadata.uid)
    // Kubernetes does nothing here: the PV stays Released, and watches show only that the claim is gone.
    #expect(await eventually { world.kept.volumes.first?.claim?.uid == uid })
    // The keeper has read the claim and is idle.
    #expect(
      await eventually {
        let since = world.kept.server.requests.reversed().prefix { !$0.hasPrefix("PATCH /api/v1/persistentvolumes/") }
        return since.contains("GET /api/v1/namespaces/tenant/persistentvolumeclaims/data") && world.kept.isIdle
      })
    let claim = ObjectKey(namespace: "tenant", name: "data")
    world.kept.server.edit(PersistentVolumeClaim.resource, claim) { $0[["metadata", "finalizers"]] = [] }
    try await world.kept.removeClaim("tenant")
    #expect(try await world.timeOfEnd() >= .seconds(36_000))
    await world.stop()
    #expect(world.kept.claim("tenant") == nil)
  }

  @Test("an end that a user has changed counts; one that is not a time keeps the volume and gets an Event")
  func movedByHand() async throws {
    let world = try await Aging(keep: "10h")
    try await world.pass(until: .seconds(3600 * 10)) { world.announced != nil }
    let volume = try #require(world.kept.volumes.first)
    world.kept.annotate(PersistentVolume.resource, volume.metadata.key, ClusterNames.expiresAnnotation, "next year")
    // Two Events at the same time would have the same name.
    world.time.advance(by: .seconds(1))
    #expect(await eventually { !world.kept.events(.keptVolumeConflict).isEmpty })
    try await world.pass(until: .seconds(3600 * 15)) { false }
    #expect(world.kept.volumes.count == 1)
    let end = (Timestamp(seconds: 1_700_000_000) + .seconds(3600 * 20)).rfc3339
    world.kept.annotate(PersistentVolume.resource, volume.metadata.key, ClusterNames.expiresAnnotation, end)
    #expect(try await world.timeOfEnd() >= .seconds(3600 * 20))
    await world.stop()
  }

  @Test("kept volumes and bytes by node, and announced ends, are counted")
  func figures() async throws {
    let world = try await Aging(keep: "10h")
    #expect(await world.kept.keptFigures?.volumes["host-a"]?.count == 1)
    #expect(await world.kept.keptFigures?.volumes["host-a"]?.size == .gibibytes(1))
    #expect(await world.kept.keptFigures?.expiring == 0)
    try await world.pass(until: .seconds(3600 * 9 + 1800)) { world.announced != nil }
    // The figures follow the watch.
    var expiring = 0
    for _ in 0..<600 where expiring == 0 {
      expiring = await world.kept.keptFigures?.expiring ?? 0
      if expiring == 0 { try await Task.sleep(for: .milliseconds(100)) }
    }
    #expect(expiring == 1)
    await world.stop()
  }
}

/// A volume that has been kept since time zero.
private struct Aging: Sendable {
  let kept: KeptWorld
  let time = ManualTime()
  private let times = TimesOfVolume()

  /// When its end was announced; nil before.
  var announced: Duration? { times.announced.withLock { $0 } }

  init(keep: String) async throws {
    kept = try await KeptWorld(time: time, keep: keep, binding: "WaitForFirstConsumer")
    kept.truth.allowExpiry()
    kept.startProvisioner()
    try await kept.addNamespace("tenant")
    _ = try await kept.bound("tenant")
    try await kept.removeClaim("tenant")
    let isKept = await kept.becomes {
      kept.volumes.first?.metadata.annotations[ClusterNames.keptSinceAnnotation] != nil
    }
    try #require(isKept)
    kept.server.audit { [times, time] in times.see($0, at: time.now) }
  }

  /// Advances the time until the condition holds, or to the limit.
  func pass(until limit: Duration, _ condition: () -> Bool) async throws {
    while time.now < limit, !condition() {
      time.advance(by: .seconds(600))
      kept.actAsKubernetes()
      // What is due has its turn before the next step.
      let isIdle = await eventually { kept.isIdle }
      try #require(isIdle)
    }
  }

  /// Advances the time until the keeping ends, and returns that time; nil if it does not end before the limit.
  func timeOfEnd(upTo limit: Duration) async throws -> Duration? {
    try await pass(until: limit) { times.ended.withLock { $0 } != nil }
    return times.ended.withLock { $0 }
  }

  /// Advances the time until the keeping ends, and returns that time. Fails if it does not end.
  func timeOfEnd() async throws -> Duration { try #require(try await timeOfEnd(upTo: .seconds(3600 * 200))) }

  func stop() async { await kept.stopProvisioner() }
}

private final class TimesOfVolume: Sendable {
  let announced = Mutex<Duration?>(nil)
  let ended = Mutex<Duration?>(nil)

  func see(_ change: SimulatedAPIServer.AuditedChange, at now: Duration) {
    guard change.resource == "persistentvolumes" else { return }
    if change.new["metadata", "annotations", ClusterNames.expiresAnnotation] != nil {
      announced.withLock { $0 = $0 ?? now }
    }
    if change.new["spec", "persistentVolumeReclaimPolicy"]?.string == "Delete" { ended.withLock { $0 = $0 ?? now } }
  }
}
