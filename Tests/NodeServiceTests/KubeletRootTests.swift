import FlexDoor
import LinuxSystem
import StorageModel
import Testing

@testable import NodeService

@Suite("Mounts below kubelet's root are visible to kubelet")
struct KubeletRootTests {
  private static let root = "/var/lib/kubelet"

  @Test(
    "a daemon whose mounts reach kubelet starts",
    arguments: [
      (["1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw"], [String](), "the host's own namespace"),
      (
        ["1 0 0:9 / / rw - overlay o rw", "2 1 8:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/sda1 rw"],
        ["1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw"], "a pod, Bidirectional"
      ),
      (
        ["1 0 8:1 / / rw shared:7 master:1 - ext4 /dev/sda1 rw"],
        ["1 0 8:1 / / rw shared:7 master:1 - ext4 /dev/sda1 rw"],
        "a node that is a container itself"
      ),
      (
        ["1 0 8:1 / / rw - ext4 d rw", "2 1 8:2 / /var/lib/kubelet rw shared:4 - ext4 e rw"], [],
        "a disk of its own for kubelet"
      ),
    ])
  func visible(own: [String], first: [String], remark: String) throws {
    try check(own, first)
  }

  @Test(
    "any other daemon does not start, and names the mount and what to do",
    arguments: [
      (["1 0 8:1 / / rw - ext4 d rw"], [String](), "of / is not shared"),
      (["1 0 8:1 / / rw master:1 - ext4 d rw"], ["1 0 8:1 / / rw shared:1 - ext4 d rw"], "of / is not shared"),
      (
        ["1 0 8:1 / / rw shared:9 master:1 - ext4 d rw"], ["1 0 8:1 / / rw shared:1 - ext4 d rw"],
        "of / receives mounts of the host and gives none back"
      ),
      (
        ["1 0 8:1 / / rw shared:1 - ext4 d rw", "2 1 8:2 / /var/lib/kubelet rw - ext4 e rw"], [],
        "of /var/lib/kubelet is not shared"
      ),
      (
        ["1 0 8:1 / / rw shared:1 - ext4 d rw", "2 1 8:2 / /var/lib/kubelet/pods rw - ext4 e rw"], [],
        "of /var/lib/kubelet/pods is not shared"
      ),
      (
        ["1 0 8:1 / / rw shared:1 - ext4 d rw", "2 1 8:2 / /var/lib/kubelet/plugins rw master:3 - ext4 e rw"], [],
        "of /var/lib/kubelet/plugins is not shared"
      ),
      (
        ["1 0 8:1 / / rw shared:1 - ext4 d rw", "2 1 8:1 / / rw - ext4 e rw"], [], "of / is not shared"
      ),
    ])
  func invisible(own: [String], first: [String], found: String) throws {
    let error = #expect(throws: VolumeError.self) { try check(own, first) }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains(found) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains("mountPropagation: Bidirectional") == true)
    #expect(error?.message.contains("PrivateTmp=") == true)
  }

  private func check(_ own: [String], _ first: [String]) throws {
    try KubeletRootCheck.requireShared(
      Self.root, FlexDoor(kubeletRoot: Self.root).targetDirectories,
      try MountTable(parsing: own.joined(separator: "\n")),
      firstProcess: first.isEmpty ? nil : try MountTable(parsing: first.joined(separator: "\n")))
  }
}
