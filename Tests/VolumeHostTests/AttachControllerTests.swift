import Testing
import VolumeHost

@Suite("Attaching and detaching")
struct AttachControllerTests {
  private let time = SimulatedTime()
  private let files = SimulatedFiles()
  private let driver: SimulatedDriver
  private let status = NodeStatus()
  private let controller: AttachController
  private let node: NodeVolumes
  private let pod = Sample.pod()

  init() {
    driver = SimulatedDriver(time: time, files: files, attach: true)
    let host = PluginHost(files: files, time: time)
    let managers = [driver, driver].map { runner in
      let changes = ScriptedChanges()
      changes.add(DriverChange(NodeBench.name, .addedOrUpdated))
      return PluginManager(probers: [FlexProber(directory: "/p", changes: changes, runner: runner, host: host)])
    }
    controller = AttachController(host: host, manager: managers[0], status: status)
    node = NodeVolumes(host: host, manager: managers[1], status: status)
    time.start { [controller] in await controller.reconcile() }
    time.start { [node] in await node.reconcile() }
    time.run(for: .zero)
  }

  private func run() {
    time.perform { [controller, node, pod] in
      await controller.update(pod)
      await node.run(pod)
    }
    time.run(for: .seconds(1))
  }

  private func commands(since start: Int) -> [DriverCommand] { Array(driver.commands.dropFirst(start)) }

  @Test("A volume is attached, mounted, unmounted and detached in that order")
  func life() {
    run()
    #expect(status.attached.map(\.key.text) == ["example.org/bind/v"])
    let mounted = driver.commands.filter { $0 != .getVolumeName }
    #expect(mounted == [.attach, .waitForAttach, .mountDevice, .mount])
    let count = driver.commands.count
    time.perform { [controller, node, pod] in
      await controller.remove(pod.uid)
      await node.end(pod.uid)
    }
    time.run(for: .seconds(5))
    #expect(commands(since: count) == [.unmount, .unmountDevice, .detach])
    #expect(status.attached.isEmpty && status.inUse.isEmpty)
  }

  @Test("Attached volumes are verified once a minute")
  func verified() {
    run()
    time.run(until: .seconds(601))
    #expect(driver.times(.isAttached).count == 10)
    #expect(driver.times(.attach).count == 1)
  }

  @Test("A volume in use on a dead node is detached after six minutes, and not before")
  func deadNode() {
    run()
    time.perform { [controller, node, pod] in
      await node.stop()
      await controller.remove(pod.uid)
    }
    time.run(for: .seconds(359))
    #expect(driver.times(.detach).isEmpty)
    time.run(for: .seconds(2))
    #expect(driver.times(.detach).count == 1)
  }

  @Test("A failed attach or detach is retried with increasing back-off")
  func backoff() {
    driver.fail(.attach)
    run()
    time.run(for: .seconds(7))
    #expect(driver.times(.attach).count == 5)
    driver.fail(.attach, false)
    time.run(for: .seconds(30))
    #expect(status.attached.count == 1)
  }
}
