import LinuxSystem

/// Stand-ins for the programs that the daemon runs, earlier in its search path. They record each run outside of the
/// machine, then run the real program, unless they are instructed to misbehave. Exit code 8 is a failure for all of
/// them; 1 is "errors corrected" for e2fsck(8).
struct StandIns: Sendable {
  /// The file with their runs.
  let record: String
  /// The directory of their instructions.
  let control: String

  private static let directory = "/usr/local/sbin"
  private static let makers = ["mkfs.ext4", "mkfs.xfs"]
  private static let checkers = ["e2fsck"]

  func install() throws {
    try Files.makeDirectories(control, mode: 0o755)
    for name in Self.makers { try write(name, "maker") }
    for name in Self.checkers { try write(name, "checker") }
  }

  private func write(_ name: String, _ kind: String) throws {
    guard let real = Tools.directories.dropFirst(2).map({ "\($0)/\(name)" }).first(where: { Files.exists($0) }) else {
      throw TortureError("\(name) is not installed")
    }
    let script = """
      #!/bin/sh
      how=works
      [ ! -e \(control)/held ] || held=' HELD'
      [ ! -e \(control)/\(kind) ] || read -r how <\(control)/\(kind)
      echo "\(name) $*$held" >>\(record)
      case $how in
        fails) echo "\(name): told to fail" >&2; exit 8 ;;
        hangs) exec sleep 600 ;;
        dies) \(real) "$@" & sleep 0.04; kill -9 $! 2>/dev/null; kill -9 $$ ;;
      esac
      exec \(real) "$@"

      """
    try Files.writeDurably(Array(script.utf8), to: "\(Self.directory)/\(name)", mode: 0o755)
  }

  func instruct(_ tool: Strike.Tool, _ misbehaviour: Strike.Misbehaviour) throws {
    try Files.writeDurably(Array((misbehaviour.rawValue + "\n").utf8), to: "\(control)/\(tool.rawValue)")
  }

  func behave() throws {
    for tool in [Strike.Tool.maker, .checker] { try Files.removeDurably("\(control)/\(tool.rawValue)") }
  }

  /// From now on every run is recorded as one on a device that another process holds.
  func recordHeld(_ isHeld: Bool) throws {
    if isHeld {
      try Files.writeDurably([], to: control + "/held")
    } else {
      try Files.removeDurably(control + "/held")
    }
  }

  /// All runs of mkfs so far, with their arguments.
  func makings() throws -> [Substring] {
    guard Files.exists(record) else { return [] }
    let text = String(decoding: try Files.readAll(record, limit: 16 << 20), as: UTF8.self)
    return text.split(separator: "\n").filter { $0.hasPrefix("mkfs") }
  }

  /// The number of mkfs runs on a volume's device.
  func makings(of volume: String) throws -> Int { try runs(on: volume).count }

  /// The arguments of the last one.
  func lastMaking(of volume: String) throws -> Substring? { try runs(on: volume).last }

  private func runs(on volume: String) throws -> [Substring] {
    let device = Substring(Group.device(volume))
    return try makings().filter { $0.split(separator: " ").contains(device) }
  }
}
