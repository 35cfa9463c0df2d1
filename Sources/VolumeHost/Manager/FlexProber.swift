internal import Synchronization

/// Turns changes in a plugin directory into plugins. It asks each changed driver for its capabilities.
public final class FlexProber: PluginProber {
  private let directory: String
  private let host: PluginHost
  private let runner: any DriverRunner
  private let changes: any DriverChanges
  private let state = Mutex(State())
  private let complaints = Mutex<[String: VolumeFailure]>([:])

  private struct State {
    /// The changes whose probe failed.
    var waiting: [DriverChange] = []
    /// Whether the first probe, which covers all drivers, has begun.
    var hasBegun = false
  }

  /// Creates a prober of a plugin directory.
  public init(directory: String, changes: any DriverChanges, runner: any DriverRunner, host: PluginHost) {
    self.directory = directory
    self.changes = changes
    self.runner = runner
    self.host = host
  }

  /// The drivers that could not be loaded in the last probe, by name, with their errors.
  public var failures: [String: VolumeFailure] { complaints.withLock { $0 } }

  /// Probes the changed drivers; the first time all drivers.
  ///
  /// A driver that fails is retried at the next probe, and its previous plugin stays. After the first probe it is
  /// retried only when something in its directory changes: a kubelet repeats the changes that its watch reported, but
  /// not its first scan. The other drivers are loaded. Up to 1.23 they were lost together with the one that failed.
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
  /// Returns the changes since the last call, in order; the first time all drivers. Does not wait for changes.
  func next() -> [DriverChange]
}

/// A driver that was added, changed or removed.
public struct DriverChange: Hashable, Sendable {
  /// The kinds of change.
  public enum Kind: Hashable, Sendable {
    /// Something in the driver's directory is new or different.
    case addedOrUpdated
    /// The driver's executable or directory is gone.
    case removed
  }

  /// The driver.
  public let driver: DriverName
  /// The kind of change.
  public let kind: Kind

  /// Creates a change from its parts.
  public init(_ driver: DriverName, _ kind: Kind) {
    self.driver = driver
    self.kind = kind
  }

  /// Returns the last change of each driver, in the order of the first ones.
  static func coalesce(_ changes: [DriverChange]) -> [DriverChange] {
    var order: [DriverName] = []
    var last: [DriverName: DriverChange] = [:]
    for change in changes where last.updateValue(change, forKey: change.driver) == nil { order.append(change.driver) }
    return order.compactMap { last[$0] }
  }
}
