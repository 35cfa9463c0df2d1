import Synchronization
import Testing
import VolumeHost

@Suite("Waiting for a pod's volumes")
struct WaitingTests {
  private let pod = Sample.pod()

  @Test("Ready is reported at the successful mount, after those that failed")
  func ready() {
    let bench = NodeBench()
    bench.driver.fail(.mount)
    bench.run(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilReady(pod.uid, limit: .seconds(60)) }
    bench.time.run(for: .seconds(1))
    #expect(waiting.answer == nil)
    bench.driver.fail(.mount, false)
    bench.time.run(for: .seconds(10))
    #expect(waiting.answer == true && waiting.endedAt == bench.driver.times(.mount).last)
  }

  @Test("A condition that is not met within the limit is false at the limit")
  func limit() {
    let bench = NodeBench()
    bench.driver.fail(.mount)
    bench.run(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilReady(pod.uid, limit: .seconds(7)) }
    bench.time.run(for: .seconds(60))
    #expect(waiting.answer == false && waiting.endedAt == .seconds(7))
  }

  @Test("Gone is reported when nothing is mounted any more")
  func gone() {
    let bench = NodeBench()
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.driver.delay(.unmount, .seconds(3))
    bench.end(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilGone(pod.uid, limit: .seconds(60)) }
    bench.time.run(for: .seconds(2))
    #expect(waiting.answer == nil)
    bench.time.run(for: .seconds(2))
    #expect(waiting.answer == true && waiting.endedAt == .seconds(4))
    #expect(bench.files.exists(HostPaths().pod(pod.uid)))
  }

  @Test(
    "For a forgotten pod, gone is reported when its directory is removed, at the housekeeping after the unmount")
  func forgotten() {
    let bench = NodeBench()
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.driver.delay(.unmount, .seconds(3))
    bench.end(pod)
    bench.forget(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilGone(pod.uid, limit: .seconds(60)) }
    bench.time.run(for: .seconds(3.5))
    #expect(waiting.answer == nil && !bench.files.exists(bench.path(pod)))
    bench.time.run(for: .seconds(5))
    #expect(waiting.answer == true && waiting.endedAt == .seconds(5))
    #expect(!bench.files.exists(HostPaths().pod(pod.uid)))
  }

  @Test("Gone is not reported while a mount is running; the mount is torn down after it has succeeded")
  func underWay() {
    let bench = NodeBench()
    bench.driver.delay(.mount, .seconds(5))
    bench.run(pod)
    bench.time.run(for: .seconds(1))
    bench.end(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilGone(pod.uid, limit: .seconds(60)) }
    bench.time.run(for: .seconds(3))
    #expect(waiting.answer == nil)
    bench.time.run(for: .seconds(3))
    #expect(waiting.answer == true && waiting.endedAt == .seconds(5))
    #expect(bench.driver.commands == [.mount, .unmount])
  }

  @Test("A node that stops ends all waits")
  func stopped() {
    let bench = NodeBench()
    bench.driver.fail(.mount)
    bench.run(pod)
    let waiting = Waiting(bench) { [pod] in await $0.waitUntilReady(pod.uid, limit: .seconds(600)) }
    bench.time.run(for: .seconds(1))
    bench.time.perform { [node = bench.node] in await node.stop() }
    #expect(waiting.answer == false && waiting.endedAt == .seconds(1))
  }
}

/// A wait in simulated time, and its result.
private final class Waiting: Sendable {
  private let state = Mutex<(answer: Bool, time: Duration)?>(nil)
  var answer: Bool? { state.withLock { $0?.answer } }
  var endedAt: Duration? { state.withLock { $0?.time } }

  init(_ bench: NodeBench, _ question: @escaping @Sendable (NodeVolumes) async -> Bool) {
    let (node, time) = (bench.node, bench.time)
    time.perform {
      let answer = await question(node)
      self.state.withLock { $0 = (answer, time.now) }
    }
  }
}
