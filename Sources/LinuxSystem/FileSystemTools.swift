package import StorageModel

/// The programs that make, grow and repair file systems, found once at start.
///
/// Every function blocks until the program ends, see `ChildProcess.run`.
package struct FileSystemTools: Sendable {
  private let paths: [String: String]

  /// Looks up the programs. A missing program is an error only when it is needed.
  package init() {
    let names = FileSystemKind.allCases.flatMap { [$0.maker.tool, $0.grower] } + [Self.ext4Checker]
    paths = names.reduce(into: [:]) { paths, name in paths[name] = Tools.find(name) }
  }

  /// Makes a file system, whatever is on the device. The caller has proven that the device is blank.
  ///
  /// Runs `mkfs.ext4 -q -F`, `mkfs.xfs -q -f` or `mkfs.btrfs -q -f` with `extraArguments` and the device. With
  /// `progress`, mkfs.ext4 runs without `-q`.
  ///
  /// - Parameters:
  ///   - identity: the identity for the file system; nil leaves it to the program.
  ///   - deadline: the longest time the program may take; nil for no limit.
  ///   - progress: receives the progress. With it, the call waits until a killed program is dead.
  /// - Throws: `ToolError` if the program is missing, cannot be started, or does not end with exit code 0.
  package func make(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity? = nil, extraArguments: [String],
    deadline: Duration?, cancellation: CancellationFlag? = nil, progress: ToolProgress? = nil
  ) throws(ToolError) {
    var maker = kind.maker
    if kind == .ext4, progress != nil { maker.arguments.removeAll { $0 == "-q" } }
    let naming = identity.map { kind.naming($0) } ?? []
    try run(maker.tool, maker.arguments + naming + extraArguments + [device], deadline, cancellation, progress)
  }

  /// Grows a mounted file system to the size of its device. Succeeds if it is large enough already.
  ///
  /// - Throws: `ToolError` if the program is missing, cannot be started, or does not end with exit code 0.
  package func grow(
    _ kind: FileSystemKind, device: String, mountPoint: String, deadline: Duration? = .seconds(600),
    cancellation: CancellationFlag? = nil, progress: ToolProgress? = nil
  ) throws(ToolError) {
    let arguments =
      switch kind {
      case .ext4: [device]
      case .xfs: ["-d", mountPoint]
      case .btrfs: ["filesystem", "resize", "max", mountPoint]
      }
    try run(kind.grower, arguments, deadline, cancellation, progress)
  }

  /// Repairs an unmounted ext4 file system with `e2fsck -p`, which asks no questions. Exit codes 0 to 2 are success; 2
  /// asks for a reboot, which a data volume does not need, e2fsck(8).
  ///
  /// - Throws: `ToolError` if the program is missing, cannot be started, or ends otherwise. Exit code 4 means errors
  ///   that need a person.
  package func repair(
    ext4 device: String, deadline: Duration? = .seconds(3600), cancellation: CancellationFlag? = nil,
    progress: ToolProgress? = nil
  ) throws(ToolError) {
    let telling = progress == nil ? [] : ["-C", "1"]
    try run(Self.ext4Checker, ["-p"] + telling + [device], deadline, cancellation, progress) { $0 <= 2 }
  }
}

extension FileSystemTools {
  private static let ext4Checker = "e2fsck"

  private func run(
    _ tool: String, _ arguments: [String], _ deadline: Duration?, _ cancellation: CancellationFlag?,
    _ progress: ToolProgress?, accepting isGood: (Int32) -> Bool = { $0 == 0 }
  ) throws(ToolError) {
    guard let path = paths[tool] else { throw ToolError(tool: tool, reason: .missing, output: "") }
    let result: ChildResult
    do throws(SystemError) {
      result = try ChildProcess.run(
        path, arguments, deadline: deadline, cancellation: cancellation, manner: progress == nil ? .tool : .longTool,
        progress: progress)
    } catch {
      throw ToolError(tool: tool, reason: .notStarted(error), output: "")
    }
    if case .exited(let code) = result.status, isGood(code) { return }
    throw ToolError(tool: tool, reason: .ended(result.status), output: result.output)
  }
}

extension FileSystemKind {
  /// The program that makes this kind, with the flags for no output and for overwriting.
  fileprivate var maker: (tool: String, arguments: [String]) {
    switch self {
    case .ext4: ("mkfs.ext4", ["-q", "-F"])
    case .xfs: ("mkfs.xfs", ["-q", "-f"])
    case .btrfs: ("mkfs.btrfs", ["-q", "-f"])
    }
  }

  fileprivate func naming(_ identity: FileSystemIdentity) -> [String] {
    switch self {
    case .ext4: ["-U", identity.uuid]
    case .xfs: ["-m", "uuid=\(identity.uuid)"]
    case .btrfs: ["-L", identity.label]
    }
  }

  fileprivate var grower: String {
    switch self {
    case .ext4: "resize2fs"
    case .xfs: "xfs_growfs"
    case .btrfs: "btrfs"
    }
  }
}
