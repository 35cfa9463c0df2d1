import CommandLineTool
import LinuxSystem

/// The thin pool after errors of its disk.
enum ThinPool {
  /// Deactivates and activates the thin pool. A thin pool that could not write its metadata refuses everything until
  /// then, when LVM checks it. Its volumes must not be used meanwhile.
  static func repair(_ node: NodeUnderTest) async throws {
    let pool = DeviceMapper.name(group: Group.name, volume: Group.pool) + "-tpool"
    // Without a thin volume it is inactive.
    guard try DeviceMapper.names().contains(pool) else { return }
    guard try await isBroken(pool) else { return }
    Console.print("  the thin pool is deactivated and activated again")
    try await node.daemon?.kill9()
    try await Shell.run("vgchange", "-q", "-q", "-an", Group.name)
    try await Group.activateForeign()
    try await node.restartDaemon()
    if try DeviceMapper.names().contains(pool), try await isBroken(pool) {
      throw Finding("the thin pool still has an error after it was activated again: \(pool)")
    }
  }

  private static func isBroken(_ pool: String) async throws -> Bool {
    let status = try await Shell.run("dmsetup", "status", pool)
    return ["Fail", "Error", " ro ", "needs_check"].contains { status.contains($0) }
  }
}
