package import LinuxSystem
internal import StorageModel

/// The real thing. Every call runs on a thread of a bounded pool, so a stuck one takes no more than that thread, and each
/// group of volumes has its own, see ``lanes()``.
package struct LinuxNodeSystem: NodeSystem {
  let lanes: WorkLanes
  let tools: FileSystemTools
  let bindingDirectory: String

  /// - Parameter bindingDirectory: a directory of ours by which old kernels bind, see ``Mounting``. By its real path.
  package init(
    lanes: WorkLanes = LinuxNodeSystem.lanes(), bindingDirectory: String, tools: FileSystemTools = FileSystemTools()
  ) {
    self.lanes = lanes
    self.bindingDirectory = bindingDirectory
    self.tools = tools
  }
}

// MARK: - On which threads

extension LinuxNodeSystem {
  func run<Value: Sendable>(
    _ activity: String, _ body: @Sendable @escaping () throws(SystemError) -> Value
  ) async throws(VolumeError) -> Value {
    try await run(.table, nil, activity, body)
  }

  func run<Value: Sendable>(
    _ work: Work, _ device: String?, _ activity: String,
    _ body: @Sendable @escaping () throws(SystemError) -> Value
  ) async throws(VolumeError) -> Value {
    do throws(SystemError) {
      return try await pool(work, device).run(body)
    } catch {
      throw VolumeError(error, during: activity)
    }
  }
}
