import LinuxSystem
import VolumeHost

extension Scenario {
  func secondBoot() async throws {
    StepPrinter.title("The node is up again: what it had mounted is gone, and the daemon activates the volume")
    let device = "/dev/\(node.group)/\(Self.volume)"
    try require(!Files.exists(device), "the volume was active before anybody activated it")
    try await node.startDaemon()
    try require(Files.exists(device), "the volume was not activated")

    StepPrinter.title(
      "The kubelet finds the directories of both pods; late was deleted meanwhile, db-1 is still wanted")
    try require(Files.exists(directory(latecomer)), "the directory of late did not outlive the cut")
    let kubelet = await startKubelet([grown])
    try await kubelet.waitUntilReady(grown)
    try await kubelet.finish(latecomer)
    try require(!Files.exists(paths.pod(latecomer.uid)), "the directory of late is left")
    let commands = Set(runner.calls.map(\.command))
    try require(commands == [.initialize, .mount, .unmount], "the kubelet called \(commands)")
    try data.check(in: directory(grown))
    try requireSize(grown, atLeast: 1900)
    try await end(kubelet)
  }

  /// The common end of both stories.
  func end(_ old: DemoKubelet) async throws {
    StepPrinter.title("The kubelet restarts: it finds the volume mounted, and asks the driver for no more than init")
    await old.kill()
    let began = runner.calls.count
    let kubelet = await startKubelet([grown])
    try await kubelet.waitUntilReady(grown)
    try require(runner.calls.dropFirst(began).allSatisfy { $0.command == .initialize }, "it made calls")
    try requireMounts(1, grown)

    StepPrinter.title("While a pod uses it, it is not removed")
    try node.tool("remove", Self.volume, mustSucceed: false)

    StepPrinter.title("The pod is deleted, then the claim")
    await kubelet.end(grown)
    try await kubelet.finish(grown)
    try requireMounts(0, grown)
    try node.tool("remove", Self.volume)
    let left = try node.output("lvs", "--noheadings", node.group).filter { $0 != "\n" && $0 != " " }
    try require(left.isEmpty, "LVM still has \(left)")
    await kubelet.kill()

    StepPrinter.title("What the daemon says of itself")
    try node.tool("status", width: 148)
    try node.stopDaemon()
    StepPrinter.title(
      "Done. Real: kernel (\(kernelKind)), device mapper, LVM, ext4, client, installer, daemon. Played: kubelet.")
  }
}
