import CommandLineTool
import LinuxSystem

/// What only a person may do.
struct Administrator: Sendable {
  let node: NodeUnderTest

  /// LVM flushes nothing between the text of its metadata and the header that leads to it, so a power cut in the middle of
  /// its command can leave the header alone (docs/defects.md, "Not ours"). The daemon's copy brings the group back.
  func restoreTornGroup() async throws {
    let look = try await Shell.attempt("vgs", [Group.name])
    guard !look.isSuccess, look.output.contains("Checksum error") else { return }
    Console.print("  the administrator restores the group, whose metadata the power cut has torn")
    try await Shell.run("vgcfgrestore", "--force", "-f", "\(node.place.state)/lvm/backup/\(Group.name)", Group.name)
    try await node.disk.mark(Replay.mark)
  }

  /// What the kernel leaves of an ext4 whose device failed can be more than e2fsck mends by itself: the new size without all
  /// of the new groups, when it was growing, or a journal that is to be replayed and is not marked so (docs/defects.md,
  /// "Not ours"). The volume is refused then, in words that say what to run. Nobody has it mounted.
  func repairIfAsked(_ volume: Model.Volume) async throws {
    guard volume.new.fileSystem == "ext4", let pod = volume.pods.keys.min() else { return }
    let device = Group.device(volume.new.name)
    let answer = try await node.caller.mount(volume.new, pod, readOnly: volume.pods[pod] == true)
    guard let failure = answer.failure, failure.contains("repair with e2fsck -f") else { return }
    Console.print("  the administrator repairs \(device), as he is told to")
    // One run can leave what the next one mends.
    for attempt in 1...4 {
      let result = try await Shell.attempt("e2fsck", ["-f", "-y", device])
      // A power cut must not take us back into the middle of a repair.
      if result.isSuccess { return try await node.disk.mark(Replay.mark) }
      guard attempt < 4 else { throw Finding("\(device) cannot be repaired: \(result.output.suffix(800))") }
    }
  }
}
