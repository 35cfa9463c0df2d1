import Controllers
import JSON
import KubernetesAPI
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@Suite("Leader election")
struct ElectionTests {
  private let place = ObjectKey(namespace: "n", name: "l")

  /// Something that leads, or wants to.
  private struct Candidate {
    let task: Task<LeaderElector.End, Never>
    let isWorking: Flag
    let wasEnded: Flag
  }

  private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set(_ new: Bool) { value.withLock { $0 = new } }
  }

  /// - Parameter ignoresEnd: how long, in the time of the test, the work goes on after it is cancelled.
  private func candidate(
    _ identity: String, _ server: SimulatedAPIServer, _ time: ManualTime, ignoresEnd: Duration? = nil
  ) throws -> Candidate {
    let (isWorking, wasEnded) = (Flag(), Flag())
    let elector = LeaderElector(APIClient(server, time: time), try LeaderElection(lease: place, identity: identity))
    let task = Task {
      await elector.run(endInTime: { wasEnded.set(true) }) {
        isWorking.set(true)
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(1)) }
        if let ignoresEnd {
          let end = time.now + ignoresEnd
          while time.now < end, !wasEnded.isSet { usleepBriefly() }
        }
        isWorking.set(false)
      }
    }
    return Candidate(task: task, isWorking: isWorking, wasEnded: wasEnded)
  }

  private func usleepBriefly() { ThreadSleep.sleep(.milliseconds(1)) }

  /// Lets that much time pass, alarm by alarm, as long as anybody sleeps.
  private func pass(_ duration: Duration, _ time: ManualTime, until condition: () -> Bool = { false }) async {
    await settle(time)
    let end = time.now + duration
    while !condition() {
      let sleepers = time.alarms.count
      guard time.advanceToNextAlarm(upTo: end) else { break }
      // Whoever was woken does its work and sleeps again, or is done for good: time must not run away from it.
      _ = await eventually(within: .seconds(1)) { time.alarms.count >= sleepers || condition() }
    }
    if !condition() { time.advance(to: max(end, time.now)) }
  }

  /// Tasks that have just begun sleep when they have come so far: until then time does not move.
  private func settle(_ time: ManualTime) async {
    var calm = 0
    var sleepers = time.alarms.count
    _ = await eventually(within: .seconds(1)) {
      calm = time.alarms.count == sleepers && sleepers > 0 ? calm + 1 : 0
      sleepers = time.alarms.count
      return calm == 10
    }
  }

  @Test("a free lease is acquired, renewed, and released in the end")
  func life() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    #expect(server.lease?.holder == "one" && server.lease?.durationSeconds == 15)
    let before = server.writes
    await pass(.seconds(60), time)
    #expect(server.writes - before >= 20 && one.isWorking.isSet)
    one.task.cancel()
    #expect(await one.task.value == .stopped)
    #expect(server.lease?.holder == "" && !one.isWorking.isSet && !one.wasEnded.isSet)
  }

  @Test("a follower takes over exactly when it has seen no renewal for the lease's whole duration")
  func takeOver() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    var lease = Lease(metadata: ObjectMeta(name: "l", namespace: "n"))
    (lease.holder, lease.durationSeconds, lease.transitions) = ("dead", 20, 3)
    // Its clock was far behind ours: that must not count.
    lease.renewTime = Timestamp(seconds: 1_000_000_000)
    _ = try await APIClient(server, time: time).create(lease)
    let one = try candidate("one", server, time)
    #expect(await eventually { !time.alarms.isEmpty })
    await pass(.milliseconds(19_900), time)
    #expect(!one.isWorking.isSet && server.lease?.holder == "dead")
    await pass(.seconds(4), time) { one.isWorking.isSet }
    #expect(await eventually { one.isWorking.isSet })
    #expect(server.lease?.holder == "one" && server.lease?.transitions == 4)
    one.task.cancel()
    _ = await one.task.value
  }

  @Test("a released lease is acquired at the next read")
  func released() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    let two = try candidate("two", server, time)
    await pass(.seconds(30), time)
    #expect(!two.isWorking.isSet && one.isWorking.isSet)
    one.task.cancel()
    _ = await one.task.value
    await pass(.seconds(3), time) { two.isWorking.isSet }
    #expect(await eventually { two.isWorking.isSet })
    two.task.cancel()
    _ = await two.task.value
  }

  @Test("during an outage of the server the work ends before others may take over")
  func serverAway() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    server.set(isAway: true)
    let begin = time.now
    await pass(.seconds(14), time) { !one.isWorking.isSet }
    #expect(await eventually { !one.isWorking.isSet })
    #expect(time.now - begin <= .seconds(10))
    #expect(await one.task.value == .lost)
    #expect(!one.wasEnded.isSet)
  }

  @Test("a short outage of the server does not cost the lease")
  func shortAbsence() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    for _ in 0..<5 {
      server.set(isAway: true)
      await pass(.seconds(6), time)
      server.set(isAway: false)
      await pass(.seconds(5), time)
    }
    #expect(one.isWorking.isSet)
    one.task.cancel()
    #expect(await one.task.value == .stopped)
  }

  @Test("an answer that is lost does not cost the lease")
  func lostAnswers() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    for _ in 0..<5 {
      server.set(losesAnswers: true)
      await pass(.seconds(3), time)
      server.set(losesAnswers: false)
      await pass(.seconds(5), time)
    }
    #expect(one.isWorking.isSet && server.lease?.holder == "one")
    one.task.cancel()
    _ = await one.task.value
  }

  @Test("work that does not end when cancelled ends with the process, before others may take over")
  func stubborn() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time, ignoresEnd: .seconds(1000))
    #expect(await eventually { one.isWorking.isSet })
    server.set(isAway: true)
    let begin = time.now
    await pass(.milliseconds(13_900), time)
    #expect(one.isWorking.isSet && !one.wasEnded.isSet)
    await pass(.seconds(1), time) { one.wasEnded.isSet }
    #expect(await eventually { one.wasEnded.isSet })
    #expect(time.now - begin < .seconds(15))
    #expect(await one.task.value == .lost)
  }

  @Test("work that winds up slowly after an orderly stop keeps its lease until it has ended")
  func slowStop() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time, ignoresEnd: .seconds(60))
    #expect(await eventually { one.isWorking.isSet })
    let two = try candidate("two", server, time)
    one.task.cancel()
    await pass(.seconds(50), time)
    #expect(one.isWorking.isSet && !two.isWorking.isSet && !one.wasEnded.isSet)
    await pass(.seconds(20), time) { two.isWorking.isSet }
    #expect(await one.task.value == .stopped)
    await pass(.seconds(5), time) { two.isWorking.isSet }
    #expect(await eventually { two.isWorking.isSet })
    two.task.cancel()
    _ = await two.task.value
  }

  @Test("a lease that another process has acquired in spite of the election ends the work")
  func stolen() async throws {
    let (server, time) = (SimulatedAPIServer(), ManualTime())
    let one = try candidate("one", server, time)
    #expect(await eventually { one.isWorking.isSet })
    server.steal(try #require(server.lease))
    await pass(.seconds(8), time) { !one.isWorking.isSet }
    #expect(await one.task.value == .lost)
    #expect(server.lease?.holder == "thief")
  }

  @Test("work that keeps all tasks from running is still ended in time")
  func blocked() async throws {
    let server = SimulatedAPIServer()
    let (isWorking, wasEnded, gaveUp) = (Flag(), Flag(), Flag())
    let election = try LeaderElection(
      lease: place, identity: "one", duration: .seconds(3), renewDeadline: .seconds(1),
      retryPeriod: .milliseconds(200))
    let elector = LeaderElector(APIClient(server, time: SystemTimekeeper()), election)
    let end = await elector.run(endInTime: { wasEnded.set(true) }) {
      isWorking.set(true)
      await withDiscardingTaskGroup { group in
        // More than there are threads for tasks.
        for _ in 0..<64 {
          group.addTask {
            let limit = MonotonicClock.now() + .seconds(20)
            while !wasEnded.isSet, MonotonicClock.now() < limit { usleepBriefly() }
            if !wasEnded.isSet { gaveUp.set(true) }
          }
        }
      }
    }
    #expect(wasEnded.isSet && !gaveUp.isSet)
    #expect(end == .finished || end == .lost)
  }

  @Test("durations that cannot be safe are refused")
  func durations() {
    for (duration, deadline, retry) in [(15, 15, 2), (15, 20, 2), (15, 10, 7), (15, 10, 0), (0, 0, 0)] {
      #expect(throws: APIError.self) {
        try LeaderElection(
          lease: place, identity: "x", duration: .seconds(duration), renewDeadline: .seconds(deadline),
          retryPeriod: .seconds(retry))
      }
    }
  }
}
