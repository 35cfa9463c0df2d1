import Glibc
import LinuxSystem

/// Kills a process in the moment in which a device node appears: LVM makes a volume's node before it wipes what lies in its
/// place, and the two are too close together to be hit by chance.
enum NodeWatch {
  private static let pool = WorkerPool(name: "node-watch", limit: 1)

  /// Returns when the process has been killed, or `limit` is over.
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
