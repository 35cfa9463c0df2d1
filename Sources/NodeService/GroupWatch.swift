internal import LogicalVolumes
internal import StorageModel
internal import Synchronization
internal import Telemetry

/// Logs when a volume group becomes unusable and when it is usable again. The engine probes an unusable group whenever
/// it is asked, so this also makes sure that it is probed while no calls arrive.
package final class GroupWatch: Sendable {
  private let context: NodeContext
  private let logged = Mutex<[String: String]>([:])

  /// The interval between checks: while a group is unusable, and while all are usable.
  private static let pauses = (unusable: Duration.seconds(5), well: Duration.seconds(30))

  package init(context: NodeContext) { self.context = context }

  /// Checks until the task is cancelled.
  package func run() async {
    while !Task.isCancelled {
      let pause = logged.withLock { $0.isEmpty } ? Self.pauses.well : Self.pauses.unusable
      do { try await Task.sleep(for: pause) } catch { return }  // cancelled: the daemon ends
      await check()
    }
  }

  /// Checks once, and logs changes since the last check.
  package func check() async {
    do throws(VolumeError) {
      for group in try await context.engine.capacity() { logTrouble(of: group) }
    } catch {
      context.log.warning("volume groups cannot be read", ["reason": error.message])
    }
  }

  private func logTrouble(of group: GroupCapacity) {
    let trouble = group.trouble?.message
    let before = logged.withLock { logged in
      defer { logged[group.group] = trouble }
      return logged[group.group]
    }
    guard trouble != before else { return }
    if let trouble {
      context.log.error("volume group not usable", ["group": group.group, "reason": trouble])
    } else {
      context.log.notice("volume group usable", ["group": group.group])
    }
  }
}
