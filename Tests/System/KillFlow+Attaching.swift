import LinuxSystem
import Testing
import VolumeHost

// The attach path.
extension KillFlow {
  static let waitForAttach = KillFlow(
    name: "waitforattach of a new volume", kubelet: .newAttaching, prepare: { _ in }, want: .pod(by: .waitForAttach),
    finish: { scene in
      try scene.marker.write(in: scene.global)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["permit-written", "volume-created", "volume-cleared"])

  static let mountDevice = KillFlow(
    name: "mountdevice of a new volume", kubelet: .newAttaching, prepare: { _ in }, want: .pod(by: .mountDevice),
    finish: { scene in
      try scene.marker.write(in: scene.global)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["format-permitted", "formatted", "permit-removed", "device-mounted"])

  static let mountFromGlobal = KillFlow(
    name: "mount from the global directory", kubelet: .newAttaching, prepare: { try await $0.makeWithData() },
    want: .pod(by: .mount),
    finish: { scene in
      #expect(scene.marker.isIn(scene.directory))
      #expect(try MountTable.current().at(scene.directory).count == 1)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["published"])

  static let unmountFromGlobal = KillFlow(
    name: "unmount beside the global directory", kubelet: .newAttaching,
    prepare: { try await $0.makeAndMountWithData() }, want: .noPod(by: .unmount), finish: { try await $0.startAgain() },
    points: ["unpublished", "staging-directory-removed", "detached"])

  static let unmountDevice = KillFlow(
    name: "unmountdevice", kubelet: .newAttaching, prepare: { try await $0.makeAndMountWithData() },
    want: .noPod(by: .unmountDevice), finish: { try await $0.startAgain() }, points: ["device-unmounted"])

  static let expandGlobal = KillFlow(
    name: "expandfs at the global directory", kubelet: .newAttaching, prepare: { try await $0.makeWithData() },
    want: .pod(by: .expandFileSystem) { options in
      options.claim = 64 << 20
      options.capacity = 128 << 20
    },
    finish: { scene in
      #expect(try capacity(of: scene.global) > 96 << 20)
      try await scene.expectGlobalDataUnmountRemove()
    }, points: ["volume-extended"])
}
