import Glibc
import LinuxSystem
import VolumeHost

extension Scenario {
  func firstBoot() async throws {
    try introduce()
    StepPrinter.title("The daemon starts; the kubelet looks into its plugin directory and asks the driver what it can")
    try await node.startDaemon()
    let kubelet = await startKubelet()
    try await discover(kubelet)
    try await use(kubelet)
    try await grow(kubelet)
    try await loseDaemon(kubelet)
    if isOwnKernel { try await losePower(kubelet) }
    try await end(kubelet)
  }

  private func introduce() throws {
    let mapper = try value("Driver version:", in: node.output("dmsetup", "version"))
    let lvm = try value("LVM version:", in: node.output("lvm", "version"))
    StepPrinter.print(
      """
      elastic-local: the life of a volume.

      Real:    the kernel (Linux \(try kernelRelease()), \(kernelKind)); the device mapper (\(mapper)); LVM (\(lvm));
               ext4, mkfs and the mounts; the flex client, its installer and the daemon, as they are shipped.
      Played:  the kubelet \(KubernetesVersion.newest), by the library VolumeHost: it is told which pods there are, finds the driver and makes
               the calls that a kubelet makes, with directories, order and repetitions. No Kubernetes.
      Times:   from the start of the client to its end. To start a process alone takes \(try processCost()) here.

      KUBELET  \(node.kubeletRoot)
      VOLUME   \(Self.volume), in /volumes/\(driver.directory) of a pod
      """)
  }

  var kernelKind: String { isOwnKernel ? "user-mode-linux" : "this machine's own" }

  private func kernelRelease() throws -> String {
    String(try Files.readText("/proc/sys/kernel/osrelease").prefix { $0 != "\n" })
  }

  private func value(_ key: String, in text: String) throws -> String {
    for line in text.split(separator: "\n") {
      let words = line.drop { $0 == " " }
      if words.hasPrefix(key) { return String(words.dropFirst(key.count).drop { $0 == " " }) }
    }
    throw DemoFailure("\(key) is not in \(text)")
  }

  private func processCost() throws -> String {
    let began = MonotonicClock.now()
    for _ in 0..<10 { _ = try node.output("true") }
    return StepPrinter.milliseconds((MonotonicClock.now() - began) / 10)
  }

  func discover(_ kubelet: DemoKubelet) async throws {
    let plugin = try await kubelet.plugin(for: first.volumes[0])
    try require(plugin is FlexVolumePlugin, "the driver wants to attach")
    StepPrinter.print("plugin \(plugin.name), which does not attach")
  }

  private func use(_ kubelet: DemoKubelet) async throws {
    StepPrinter.title(
      "Pod db-0 starts with a new claim of 1 GiB: a logical volume is made, formatted, mounted; it writes")
    try await kubelet.run(first)
    try requireMounts(1, first)
    try requireSize(first, atLeast: 900)
    try data.write(in: directory(first))

    StepPrinter.title("It is deleted; pod db-1 takes its place")
    await kubelet.end(first)
    try await kubelet.finish(first)
    try require(!Files.exists(paths.pod(first.uid)), "the directory of db-0 is left")
    try await kubelet.run(second)
    try data.check(in: directory(second))

    StepPrinter.title("Pod reader uses the same volume, read-only")
    try await kubelet.run(reader)
    try data.check(in: directory(reader))
    try data.requireReadOnly(directory(reader))
  }

  private func grow(_ kubelet: DemoKubelet) async throws {
    StepPrinter.title("The claim grows to 2 GiB, in use")
    try await kubelet.run(pod("db-1", uid: second.uid, gibibytes: 2, claim: 1))
    try await kubelet.waitForGrowth()
    try await kubelet.run(grown)
    try requireSize(grown, atLeast: 1900)
  }

  private func loseDaemon(_ kubelet: DemoKubelet) async throws {
    StepPrinter.title("The daemon is killed; pods do not notice, and a call waits for the next daemon")
    StepPrinter.print("$ kill -9 (the daemon)")
    node.killDaemon()
    try data.check(in: directory(second))
    await kubelet.end(reader)
    try await Task.sleep(for: .seconds(1))
    try requireMounts(1, reader)
    try await node.startDaemon()
    try await kubelet.finish(reader)
    try requireMounts(0, reader)
  }

  /// lab/run cuts the power when it reads the line.
  private func losePower(_ kubelet: DemoKubelet) async throws {
    StepPrinter.title("Another pod starts; then the power fails while it and db-1 run")
    try await kubelet.run(latecomer)
    try data.check(in: directory(latecomer))
    try node.sync()
    StepPrinter.print("LAB-POWER-CUT")
    try await Task.sleep(for: .seconds(60))
    throw DemoFailure("the power did not fail")
  }
}
