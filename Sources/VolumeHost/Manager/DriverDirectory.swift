internal import Synchronization

/// Watches a plugin directory and everything in it with inotify(7).
///
/// Creates the directory with mode 0755 if it is missing or was removed. Ignores names that begin with a dot, and links
/// to directories. Every other change below a driver's directory counts as a change of the driver, also of files that
/// have nothing to do with it. A new directory without an executable counts as a changed driver too: a kubelet calls
/// its `init`, which fails.
public final class DriverDirectory: DriverChanges {
  private let path: String
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var watch: DirectoryWatch?
    /// The reported drivers, and whether each had an executable.
    var known: [DriverName: Bool] = [:]
  }

  /// Creates a watch that starts with the first call of ``next()``.
  public init(_ path: String) {
    self.path = path
    state = Mutex(State())
  }

  /// Returns the changes since the last call. A directory that cannot be watched has no drivers; the next call retries.
  /// Does not wait for changes.
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

  /// Reports all drivers as new: events were lost, or there were none before.
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
  /// Compares by the directory's name.
  public static func < (left: DriverName, right: DriverName) -> Bool { left.directory < right.directory }
}
