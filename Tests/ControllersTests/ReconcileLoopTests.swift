import Controllers
import KubernetesAPI
import Synchronization
import TestSupport
import Testing

@Suite("Reconcile loop", .timeLimit(.minutes(1)))
struct ReconcileLoopTests {
  /// The keys that have been looked at; some never come back.
  private final class Looks: Sendable {
    private let seen = Mutex<[Int]>([])
    var all: [Int] { seen.withLock { $0.sorted() } }
    func record(_ key: Int) { seen.withLock { $0.append(key) } }
  }

  private static func hang() async {
    // Until the test ends it.
    do { try await Task.sleep(for: .seconds(3600)) } catch { return }
  }

  @Test("hanging reconciliations delay others for the time of patience, and no longer")
  func patience() async throws {
    let time = ManualTime()
    let loop = ReconcileLoop<Int>(parallelism: 2, patience: .seconds(20), time: time)
    let looks = Looks()
    for key in 0..<6 { loop.add(key) }
    loop.open()
    let running = Task {
      await loop.run { key in
        looks.record(key)
        if key < 3 { await Self.hang() }
        return .done
      }
    }
    // A look counts as running before it is recorded here.
    #expect(await eventually { loop.running == 2 && time.alarms == [.seconds(20)] && looks.all == [0, 1] })
    time.advance(to: .seconds(20))
    #expect(await eventually { looks.all == Array(0..<6) && loop.running == 3 })
    running.cancel()
    await running.value
  }

  @Test("at most 16 times as many reconciliations run when all hang")
  func bounds() async throws {
    let time = ManualTime()
    let loop = ReconcileLoop<Int>(parallelism: 1, patience: .seconds(1), time: time)
    let looks = Looks()
    for key in 0..<20 { loop.add(key) }
    loop.open()
    let running = Task {
      await loop.run { key in
        looks.record(key)
        await Self.hang()
        return .done
      }
    }
    for second in 1..<16 {
      #expect(await eventually { loop.running == second && !time.alarms.isEmpty })
      time.advance(to: .seconds(second))
    }
    #expect(await eventually { loop.running == 16 })
    #expect(time.alarms == [])
    running.cancel()
    await running.value
  }
}
