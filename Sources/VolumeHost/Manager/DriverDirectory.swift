internal import Synchronization

/// Watches a plugin directory with inotify(7), and everything in it.
///
/// Makes the directory, mode 0755, when it is missing and again when it is removed. Names that begin with a dot do not
/// count, nor do links to directories; any other change in a driver's directory, also in directories below and of files
/// that have nothing to do with the driver, counts as a change of the driver. A directory without the driver's executable
/// counts as a driver that has changed, too: a kubelet calls its `init`, which fails.
public final class DriverDirectory: DriverChanges {
  private let path: String
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var watch: DirectoryWatch?
    /// The drivers that were told, and whether they had an executable.
    var known: [DriverName: Bool] = [:]
  }

  /// Watches a directory from the first question on.
  public init(_ path: String) {
    self.path = path
    state = Mutex(State())
  }

  /// What has changed. A directory that can not be watched has no drivers, and is tried again the next time.
  public func next() -> [DriverChange] {
    state.withLock { state in
      let names = state.watch?.changedNames()
      let changes = names.map { self.changes($0, known: state.known) } ?? rescan(&state)
      for change in changes {
        state.known[change.driver] = change.kind == .removed ? nil : hasExecutable(change.driver)
      }
      return changes
    }
  }

  /// All that is there, as if it were new: some events were lost, or there were none before.
  private func rescan(_ state: inout State) -> [DriverChange] {
    state.watch = nil
    guard let watch = DirectoryWatch(path) else { return state.known.keys.sorted().map { DriverChange($0, .removed) } }
    let present = watch.directories.compactMap { DriverName(directory: $0) }
    state.watch = watch
    return Set(state.known.keys).subtracting(present).sorted().map { DriverChange($0, .removed) }
      + present.map { DriverChange($0, .addedOrUpdated) }
  }

  private func changes(_ names: [String], known: [DriverName: Bool]) -> [DriverChange] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }.compactMap { DriverName(directory: $0) }.compactMap { driver in
      if hasExecutable(driver) { return DriverChange(driver, .addedOrUpdated) }
      if known[driver] == true { return DriverChange(driver, .removed) }
      if PathProbe.exists("\(path)/\(driver.directory)") { return DriverChange(driver, .addedOrUpdated) }
      return known[driver] == nil ? nil : DriverChange(driver, .removed)
    }
  }

  private func hasExecutable(_ driver: DriverName) -> Bool { PathProbe.exists("\(path)/\(driver.executable)") }
}

extension DriverName: Comparable {
  /// By the directory's name.
  public static func < (left: DriverName, right: DriverName) -> Bool { left.directory < right.directory }
}
