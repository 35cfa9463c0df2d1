import CommandLineTool
import LinuxSystem

/// What only a person may do.
struct Administrator: Sendable {
  let node: NodeUnderTest

  /// When its device fails while a mounted ext4 grows, the kernel can write the new size and not all of the new groups
  /// (Linux 6.1, `ext4_resize_fs`): docs/defects.md, "Not ours". e2fsck mends that when it is told to, and it is refused
  /// until then, in words that say so. Nobody has it mounted.
  func repairAfterFailedGrowth(_ volume: Model.Volume) async throws {
    guard volume.new.fileSystem == "ext4", let pod = volume.pods.keys.min() else { return }
    let device = Group.device(volume.new.name)
    let answer = try await node.caller.mount(volume.new, pod, readOnly: volume.pods[pod] == true)
    guard let failure = answer.failure, failure.contains("repair with e2fsck -f") else { return }
    Console.print("  the administrator repairs \(device), as he is told to")
    // One run can leave what the next one mends.
    for attempt in 1...4 {
      let result = try await Shell.attempt("e2fsck", ["-f", "-y", device])
      if result.isSuccess { return }
      guard attempt < 4 else { throw Finding("\(device) can not be repaired: \(result.output.suffix(800))") }
    }
  }
}
