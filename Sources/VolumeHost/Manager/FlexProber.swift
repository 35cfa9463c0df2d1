internal import Synchronization

/// Turns changes in a plugin directory into plugins, by asking each changed driver for its capabilities.
public final class FlexProber: PluginProber {
  private let directory: String
  private let host: PluginHost
  private let runner: any DriverRunner
  private let changes: any DriverChanges
  private let state = Mutex(State())
  private let complaints = Mutex<[String: VolumeFailure]>([:])

  private struct State {
    /// Changes whose probe failed.
    var waiting: [DriverChange] = []
    /// The first probe, of all that is there, has begun.
    var hasBegun = false
  }

  /// A prober of a plugin directory.
  public init(directory: String, changes: any DriverChanges, runner: any DriverRunner, host: PluginHost) {
    self.directory = directory
    self.changes = changes
    self.runner = runner
    self.host = host
  }

  /// Why drivers could not be loaded, by name, as of the last probe.
  public var failures: [String: VolumeFailure] { complaints.withLock { $0 } }

  /// Probes what has changed, the first time everything.
  ///
  /// A driver that fails is tried again the next time, and its older self, if any, stays. One that fails in the first probe
  /// is tried again only when something in its directory changes: a kubelet repeats what its watch reported, not its first
  /// look. The other drivers are loaded; until 1.23 they were lost with the one that failed.
  public func probe() async -> [PluginEvent] {
    let found = changes.next()
    let (round, isFirst) = state.withLock { state in
      defer { (state.waiting, state.hasBegun) = ([], true) }
      return (DriverChange.coalesce(state.waiting + found), !state.hasBegun)
    }
    var events: [PluginEvent] = []
    var failed = false
    for change in round {
      do throws(VolumeFailure) { events.append(try await load(change)) } catch {
        failed = true
        complaints.withLock { $0[change.driver.description] = error }
        if !isFirst { state.withLock { $0.waiting.append(change) } }
      }
    }
    return failed && !host.version.keepsGoodProbeResults ? [] : events
  }

  private func load(_ change: DriverChange) async throws(VolumeFailure) -> PluginEvent {
    complaints.withLock { $0[change.driver.description] = nil }
    guard change.kind == .addedOrUpdated else {
      return .removed(name: host.version.pluginNamePrefix + change.driver.description)
    }
    let driver = FlexDriver(
      name: change.driver, pluginDirectory: directory, version: host.version, runner: runner)
    return .addedOrUpdated(try await FlexCore.load(driver, on: host))
  }
}

/// Watches a plugin directory.
public protocol DriverChanges: Sendable {
  /// What has changed since the last time, in order; the first time all that is there. Does not wait.
  func next() -> [DriverChange]
}

/// A driver that has come, changed or gone.
public struct DriverChange: Hashable, Sendable {
  /// What has happened.
  public enum Kind: Hashable, Sendable {
    /// Something in its directory is new or different.
    case addedOrUpdated
    /// Its executable or its directory is gone.
    case removed
  }

  /// Which driver.
  public let driver: DriverName
  /// What has happened.
  public let kind: Kind

  /// A change from its parts.
  public init(_ driver: DriverName, _ kind: Kind) {
    self.driver = driver
    self.kind = kind
  }

  /// One change for each driver, the last, in the order of the first ones.
  static func coalesce(_ changes: [DriverChange]) -> [DriverChange] {
    var order: [DriverName] = []
    var last: [DriverName: DriverChange] = [:]
    for change in changes where last.updateValue(change, forKey: change.driver) == nil { order.append(change.driver) }
    return order.compactMap { last[$0] }
  }
}
