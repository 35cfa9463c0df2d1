import Glibc
import LinuxSystem
import NodeProtocol
import VolumeHost

/// LVM's disk does not answer for a while, and more calls wait for it than the daemon has threads.
struct Hang {
  let node: NodeUnderTest
  let model: Model
  let operation: Operation

  private static let volumes = 8
  private static let podsOfEach = 18

  private var caller: Caller { node.caller }

  /// Runs the hang. Returns when the disk answers again and all waiting calls have ended.
  func run() async throws {
    for volume in Self.all { node.cluster.set(ShownVolume(Model.Claim(new: volume))) }
    try await node.disk.suspend()
    do {
      let calls = try call()
      try await requireOthersServed()
      // The callers give up before the disk answers again. None of their mounts may exist then.
      for call in calls { close(call) }
    } catch {
      try await node.disk.resume()
      throw error
    }
    try await node.disk.resume()
    try await waitForEnd()
  }

  private static let all = (0..<volumes).map { number in
    Operation.NewVolume(
      name: "pvc-7f6b2f0e-5d0c-4f3e-9d36-0000000a4a" + String(16 + number, radix: 16), fileSystem: "ext4",
      isThin: false,
      attaches: false, mebibytes: 32)
  }

  private static func pod(_ number: Int) -> String { "pod-h\(number)" }

  private func call() throws -> [Int32] {
    var calls: [Int32] = []
    for volume in Self.all {
      for pod in 0..<Self.podsOfEach {
        let call = caller.mountCall(volume, Self.pod(pod), readOnly: false)
        try Files.makeDirectories(caller.podDirectory(volume.name, Self.pod(pod)), mode: 0o750)
        let connection = try UnixSocket.connect(path: node.place.socket)
        try StreamIO.writeAll(connection, Request(call.line).encoded(), deadline: .seconds(5))
        calls.append(connection.release())
      }
    }
    return calls
  }

  private func requireOthersServed() async throws {
    try await Answering(node: node).require("while the disk hangs")
    // A pod that never got its volume. No other call asks for that volume.
    guard let volume = model.sorted.first(where: { $0.new.name != operation.volume }) else { return }
    var caller = caller
    caller.timeout = 20
    let answer = try await caller.unmount(volume.new, "pod-z", isLast: false)
    if !answer.isSuccess { throw Finding("while the disk hangs an unmount that needs nothing of it: \(answer)") }
  }

  /// Waits until running calls have ended: an unmount of the same volume gets its turn after them.
  private func waitForEnd() async throws {
    for volume in Self.all {
      let answer = await caller.ask("unmount", caller.podDirectory(volume.name, Self.pod(0)))
      if !answer.isSuccess { throw Finding("after the disk hung: \(answer)") }
      for pod in 0..<Self.podsOfEach { rmdir(caller.podDirectory(volume.name, Self.pod(pod))) }
      node.cluster.remove(volume.name)
    }
  }
}
