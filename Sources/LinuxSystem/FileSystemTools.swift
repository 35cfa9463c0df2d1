package import StorageModel

/// The programs that make, grow and check file systems, found once at start.
///
/// Everything here blocks until the program ends, see `ChildProcess.run`.
package struct FileSystemTools: Sendable {
  private let paths: [String: String]

  /// Looks the programs up; what is missing is an error only when it is needed.
  package init() {
    let names = FileSystemKind.allCases.flatMap { [$0.maker.tool, $0.grower] } + [Self.ext4Checker]
    paths = names.reduce(into: [:]) { paths, name in paths[name] = Tools.find(name) }
  }

  /// The programs that are not installed among those that a kind needs; for checks at start.
  package func missing(for kind: FileSystemKind) -> [String] {
    let names = [kind.maker.tool, kind.grower] + (kind == .ext4 ? [Self.ext4Checker] : [])
    return names.filter { paths[$0] == nil }
  }

  /// Makes a file system, whatever is on the device: the caller has proven that nothing is.
  ///
  /// Runs `mkfs.ext4 -q -F`, `mkfs.xfs -q -f` or `mkfs.btrfs -q -f`, then `extraArguments`, then the device.
  /// With `progress` the first is without `-q`.
  ///
  /// - Parameters:
  ///   - identity: what the file system is to be known by; nil for what the program chooses.
  ///   - deadline: how long it may take; nil for as long as it takes.
  ///   - progress: is told how far it is. With it, a program that is killed is waited for until it is dead.
  package func make(
    _ kind: FileSystemKind, on device: String, identity: FileSystemIdentity? = nil, extraArguments: [String],
    deadline: Duration?, cancellation: CancellationFlag? = nil, progress: ToolProgress? = nil
  ) throws(ToolError) {
    var maker = kind.maker
    if kind == .ext4, progress != nil { maker.arguments.removeAll { $0 == "-q" } }
    let naming = identity.map { kind.naming($0) } ?? []
    try run(maker.tool, maker.arguments + naming + extraArguments + [device], deadline, cancellation, progress)
  }

  /// Grows a mounted file system to the size of its device. Large enough already is success.
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

  /// Repairs what can be repaired without asking in an ext4 file system that is not mounted: `e2fsck -p`. Exit codes
  /// 0 to 2 are success (2 wishes for a reboot, which a data volume does not need), e2fsck(8).
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
  /// The program that makes it, with the flags that keep it quiet and let it overwrite.
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
