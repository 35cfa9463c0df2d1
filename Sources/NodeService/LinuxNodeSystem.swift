package import LinuxSystem
internal import StorageModel

/// The real system. Each call runs on a thread of a bounded lane, so a call that hangs blocks one thread only. Each
/// group of volumes has its own lanes, see ``lanes()``.
package struct LinuxNodeSystem: NodeSystem {
  let lanes: WorkLanes
  let tools: FileSystemTools
  let bindingDirectory: String

  /// - Parameter bindingDirectory: the real path of a directory of ours, which binds on old kernels need, see
  ///   ``Mounting``.
  package init(
    lanes: WorkLanes = LinuxNodeSystem.lanes(), bindingDirectory: String, tools: FileSystemTools = FileSystemTools()
  ) {
    self.lanes = lanes
    self.bindingDirectory = bindingDirectory
    self.tools = tools
  }
}

// MARK: - Threads

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
