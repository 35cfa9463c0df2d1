import Glibc
import LinuxSystem
import Testing

/// What a refusal has to say: whose volume, what was found, what to do.
@Suite("Refusals that name what is in the way", .serialized, .lab, .exclusive)
struct RefusalTests {
  @Test("an ext4 that has met errors is not grown under its pods; the next pod has it checked and grown")
  func growthAfterError() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.startPod(volume).succeeds()
      let path = node.podDirectory("pod-a", volume)
      let mount = try #require(try MountTable.current().at(path).last)
      let name = lastComponent(of: try Files.readLink("/sys/dev/block/\(mount.device)"))
      try run("sh", "-c", "echo x >/sys/fs/ext4/\(name)/trigger_fs_error")
      // The kernel counts an error a moment after it.
      let isCounted = try await eventually { try FileSystemComplaint.about(mount) != nil }
      #expect(isCounted)

      try await node.growVolume(volume, toMebibytes: 128).fails(
        saying: volume, "cannot be grown while it is mounted", "has met 1 error", "Delete all pods that use it")
      let before = try capacity(of: path)
      try await node.deletePod(volume).succeeds()
      try await node.startPod(volume, Options(capacity: 128 << 20, claim: 64 << 20)).succeeds()
      #expect(try capacity(of: path) > before + (32 << 20))
      #expect(try FileSystemComplaint.about(#require(try MountTable.current().at(path).last)) == nil)
      try await node.deletePod(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test("an unmount that is refused names the process, or the mount below")
  func busy() async throws {
    try await withNode { node in
      let volume = Scratch.volumeName()
      try await node.calls.mount(volume).succeeds()
      let path = node.podDirectory("pod-a", volume)
      let user = try Program("/bin/sh", ["-c", "cd \"$0\" && exec sleep 1000", path])
      let isThere = await eventually { Files.linkTarget("/proc/\(user.pid)/cwd") == path }
      #expect(isThere)
      try await node.calls.unmount(volume).fails(saying: path, "process \(user.pid) (")
      user.send(SIGKILL)
      try user.wait()

      try Files.makeDirectories(path + "/below", mode: 0o755)
      try run("mount", "-t", "tmpfs", "none", path + "/below")
      try await node.calls.unmount(volume).fails(saying: path, "the mount at \(path)/below")
      try run("umount", path + "/below")
      try await node.calls.unmount(volume).succeeds()
      node.remove(volume).succeeds()
    }
  }

  @Test(
    "a removal that is refused names the process whose mount namespace still has the volume",
    arguments: [StorageKind.thick, .directories])
  func held(storage: StorageKind) async throws {
    try await withNode(storage) { node in
      let volume = Scratch.volumeName()
      try await node.calls.mount(volume).succeeds()
      // As a container that has it at a place of its own.
      let path = node.podDirectory("pod-a", volume)
      let user = try Program(
        "/usr/bin/unshare",
        [
          "--mount", "--propagation", "private", "/bin/sh", "-c", "mount --bind \"$0\" /mnt && exec sleep 1000", path,
        ])
      let isApart = await eventually {
        let own = Files.linkTarget("/proc/self/ns/mnt")
        return Files.linkTarget("/proc/\(user.pid)/exe")?.hasSuffix("/sleep") == true
          && Files.linkTarget("/proc/\(user.pid)/ns/mnt") != own
      }
      #expect(isApart)
      try await node.calls.unmount(volume).succeeds()
      node.remove(volume).fails(saying: volume, "of process \(user.pid) (sleep)")
      user.send(SIGKILL)
      try user.wait()
      let isRemoved = await eventually { node.remove(volume).isSuccess }
      #expect(isRemoved)
    }
  }
}
