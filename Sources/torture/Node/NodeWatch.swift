import Glibc
import LinuxSystem

/// Kills a process as soon as a device node appears. LVM creates a volume's node before it wipes the old content, and a
/// random kill would hardly hit the moment between the two.
enum NodeWatch {
  private static let pool = WorkerPool(name: "node-watch", limit: 1)

  /// Returns when the process has been killed, or after `limit`.
  static func kill(_ process: Int32, whenAppears node: String, limit: Duration) async throws {
    let watch = inotify_init1(Int32(IN_CLOEXEC))
    guard watch >= 0, inotify_add_watch(watch, "/dev/mapper", UInt32(IN_CREATE)) >= 0 else {
      throw SystemError(operation: "watch", subject: "/dev/mapper", errno: .current)
    }
    let descriptor = Descriptor(adopting: watch)
    let number = descriptor.rawValue
    await pool.run {
      let end = MonotonicClock.now() + limit
      var events = [UInt8](repeating: 0, count: 4096)
      while !Files.exists(node), MonotonicClock.now() < end {
        var question = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        if poll(&question, 1, 20) > 0 { _ = read(number, &events, events.count) }
      }
      _ = Glibc.kill(process, SIGKILL)
    }
    _ = consume descriptor
  }
}
