import CommandLineTool
import LinuxSystem

/// Repairs that only a person may do.
struct Administrator: Sendable {
  let node: NodeUnderTest

  /// Restores the group from the daemon's backup. LVM flushes nothing between the text of its metadata and the header
  /// that points to it, so a power cut during its command can leave only the header (docs/defects.md, "Not ours").
  func restoreTornGroup() async throws {
    let look = try await Shell.attempt("vgs", [Group.name])
    guard !look.isSuccess, look.output.contains("Checksum error") else { return }
    Console.print("  the administrator restores the group after the power cut has damaged its metadata")
    try await Shell.run("vgcfgrestore", "--force", "-f", "\(node.place.state)/lvm/backup/\(Group.name)", Group.name)
    try await node.disk.mark(Replay.mark)
  }

  /// Repairs an ext4 if the daemon's message asks for that. After a device failure an ext4 can be in a state that
  /// e2fsck does not repair automatically: the new size without all new groups, if it was growing, or a journal to be
  /// replayed that is not marked so (docs/defects.md, "Not ours"). The daemon then refuses the volume and says what to
  /// run. The volume is not mounted.
  func repairIfAsked(_ volume: Model.Volume) async throws {
    guard volume.new.fileSystem == "ext4", let pod = volume.pods.keys.min() else { return }
    let device = Group.device(volume.new.name)
    let answer = try await node.caller.mount(volume.new, pod, readOnly: volume.pods[pod] == true)
    guard let failure = answer.failure, failure.contains("repair with e2fsck -f") else { return }
    Console.print("  the administrator repairs \(device), as the message says")
    // One run can leave errors for the next.
    for attempt in 1...4 {
      let result = try await Shell.attempt("e2fsck", ["-f", "-y", device])
      // A power cut must not undo half of a repair.
      if result.isSuccess { return try await node.disk.mark(Replay.mark) }
      guard attempt < 4 else { throw Finding("\(device) cannot be repaired: \(result.output.suffix(800))") }
    }
  }
}
