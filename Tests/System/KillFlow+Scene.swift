import LinuxSystem
import Testing
import VolumeHost

// What is wanted.
extension KillFlow.Want {
  /// The pod is to run; the daemon dies in this call.
  static func pod(
    by command: DriverCommand, _ change: @escaping @Sendable (inout Options) -> Void = { _ in }
  ) -> KillFlow.Want {
    .kubelet(command) { scene in
      var options = scene.options
      change(&options)
      try await scene.node.schedulePod(scene.volume, options)
    } isDone: { scene in
      try await scene.node.waitUntilReady(scene.volume)
    }
  }

  /// The pod is to go.
  static func noPod(by command: DriverCommand) -> KillFlow.Want {
    .kubelet(command) { scene in
      try await scene.node.kubelet.end(scene.node.podUID("pod-a", scene.volume))
    } isDone: { scene in
      try await scene.node.deletePod(scene.volume)
    }
  }

  /// The pod's volume is to grow in use.
  static var growth: KillFlow.Want {
    .kubelet(.expandFileSystem) { scene in
      var options = scene.options
      options.claim = 64 << 20
      options.capacity = 128 << 20
      try await scene.node.schedulePod(scene.volume, options)
    } isDone: { scene in
      let isGrown = try await eventually(seconds: 60) {
        try scene.node.kubelet.events.last { $0.volume == scene.volume }?.reason == "FileSystemResizeSuccessful"
      }
      return isGrown ? .success("growth") : .failure("growth", "not grown")
    }
  }
}

// What flows share.
extension KillFlow.Scene {
  func makeAndMountWithData() async throws {
    try await node.startPod(volume, options).succeeds()
    try marker.write(in: directory)
  }

  func makeWithData() async throws {
    try await makeAndMountWithData()
    try await node.deletePod(volume).succeeds()
  }

  /// The new volume must be usable.
  func useUnmountRemove() async throws {
    #expect(writeError(in: directory) == nil)
    try marker.write(in: directory)
    try await expectDataUnmountRemove()
  }

  /// The data must be there, in one mount, on one sound file system.
  func expectDataUnmountRemove() async throws {
    #expect(marker.isIn(directory), "the data is gone")
    #expect(try MountTable.current().at(directory).count == 1, "mounts are stacked")
    try await deleteProveRemove()
  }

  func expectGlobalDataUnmountRemove() async throws {
    #expect(marker.isIn(global), "the data is gone")
    #expect(try MountTable.current().at(global).count == 1, "mounts are stacked")
    try await deleteProveRemove()
    #expect(try MountTable.current().at(global).isEmpty)
  }

  /// After the attach path was taken back: the volume is there, with its data.
  func startAgain() async throws {
    #expect(try MountTable.current().at(global).isEmpty)
    try await node.startPod(volume, options).succeeds()
    try await expectGlobalDataUnmountRemove()
  }

  private func deleteProveRemove() async throws {
    try await node.deletePod(volume).succeeds()
    try FileSystemProof.expectOne(options.fileSystem ?? "ext4", on: try device)
    node.remove(volume).succeeds()
  }
}
