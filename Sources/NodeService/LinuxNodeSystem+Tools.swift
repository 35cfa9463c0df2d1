package import LinuxSystem
package import StorageModel

// The programs that create, repair and grow file systems.
extension LinuxNodeSystem {
  package func makeFileSystem(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity, options: [String], deadline: Duration?,
    progress: ToolProgress
  ) async throws(VolumeError) {
    try await runTool(device, "creating \(kind.rawValue) on \(device)", deadline) { [tools] flag throws(ToolError) in
      try tools.make(
        kind, on: device, identity: identity, extraArguments: options, deadline: deadline, cancellation: flag,
        progress: progress)
    }
    try await run(.tool, device, "flushing \(device)") { () throws(SystemError) in try BlockDevice.sync(device) }
  }

  package func needsRepair(_ kind: FileSystemKind, on device: String) async throws(VolumeError) -> Bool {
    guard kind == .ext4 else { return false }
    return try await run(.mount, device, "reading the superblock of \(device)") { () throws(SystemError) in
      try DeviceContents.ext4NeedsCheck(device)
    }
  }

  package func repairFileSystem(
    _ kind: FileSystemKind, on device: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    do throws(VolumeError) {
      try await runTool(device, "checking the ext4 on \(device)", deadline) { [tools] flag throws(ToolError) in
        try tools.repair(ext4: device, deadline: deadline, cancellation: flag, progress: progress)
      }
    } catch {
      // e2fsck(8): bit 4 means that errors remain.
      guard let tool = error.cause as? ToolError, case .exited(let code)? = tool.status, code & 4 != 0 else {
        throw error
      }
      throw VolumeError(
        .unsafe,
        "\(device) has damage that e2fsck does not repair automatically; it is not mounted. Check it with e2fsck -fn "
          + "\(device), and repair it with e2fsck -f \(device) until no error is found: \(tool)",
        cause: tool)
    }
  }

  package func growFileSystem(
    _ kind: FileSystemKind, on device: String, mountPoint: String, deadline: Duration?, progress: ToolProgress
  ) async throws(VolumeError) {
    try await runTool(device, "growing the \(kind.rawValue) on \(device)", deadline) { [tools] flag throws(ToolError) in
      try tools.grow(
        kind, device: device, mountPoint: mountPoint, deadline: deadline, cancellation: flag, progress: progress)
    }
  }

  /// Runs a tool in the task's lifetime: cancelling the task kills the tool.
  private func runTool(
    _ device: String, _ activity: String, _ deadline: Duration?,
    _ body: @Sendable @escaping (CancellationFlag) throws(ToolError) -> Void
  ) async throws(VolumeError) {
    let flag = CancellationFlag()
    let result: Result<Void, ToolError> = await withTaskCancellationHandler {
      await pool(.tool, device).run { () -> Result<Void, ToolError> in
        do throws(ToolError) { return .success(try body(flag)) } catch { return .failure(error) }
      }
    } onCancel: {
      flag.cancel()
    }
    if case .failure(let error) = result { throw VolumeError(error, during: activity, deadline: deadline) }
  }
}
