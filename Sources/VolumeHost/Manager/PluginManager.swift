/// Knows all volume plugins, and looks for new ones at each question.
///
/// Drivers are therefore probed, `init` and all, when somebody next asks for any plugin, and not when their file appears;
/// and a driver whose `init` hangs holds up every question.
public actor PluginManager {
  private var registered: [String: any VolumePlugin] = [:]
  private var discovered: [String: any VolumePlugin] = [:]
  private let probers: [any PluginProber]
  private let turnstile = Turnstile()

  /// A manager that discovers plugins with these probers.
  public init(probers: [any PluginProber] = []) { self.probers = probers }

  /// Adds a plugin that is always there. Its name must be qualified and nobody else's.
  public func register(_ plugin: any VolumePlugin) throws(VolumeFailure) {
    guard DriverName(plugin.name) != nil else { throw .final("volume plugin \"\(plugin.name)\" has an invalid name") }
    guard registered[plugin.name] == nil else {
      throw .final("volume plugin \"\(plugin.name)\" was registered more than once")
    }
    registered[plugin.name] = plugin
  }

  /// The plugin of that name.
  public func plugin(named name: String) async throws(VolumeFailure) -> any VolumePlugin {
    await refresh()
    return try theOnly(all.filter { $0.name == name })
  }

  /// The plugin that supports a volume.
  public func plugin(for spec: VolumeSpec) async throws(VolumeFailure) -> any VolumePlugin {
    await refresh()
    return try theOnly(all.filter { $0.supports(spec) })
  }

  /// Looks for new plugins without asking for any, as a kubelet does at its start since 1.32.
  public func probe() async { await refresh() }

  private var all: [any VolumePlugin] { Array(registered.values) + Array(discovered.values) }

  private func theOnly(_ matches: [any VolumePlugin]) throws(VolumeFailure) -> any VolumePlugin {
    guard let match = matches.first else { throw .final("no volume plugin matched") }
    guard matches.count == 1 else {
      throw .final("multiple volume plugins matched: \(matches.map(\.name).sorted().joined(separator: ","))")
    }
    return match
  }

  private func refresh() async {
    await turnstile.pass {
      for prober in probers {
        for event in await prober.probe() { apply(event) }
      }
    }
  }

  private func apply(_ event: PluginEvent) {
    switch event {
    case .addedOrUpdated(let plugin): discovered[plugin.name] = plugin
    case .removed(let name): discovered[name] = nil
    }
  }
}

/// Finds plugins that come and go.
public protocol PluginProber: Sendable {
  /// What has changed since the last time. Calls do not overlap.
  func probe() async -> [PluginEvent]
}

/// A plugin that has come or gone.
public enum PluginEvent: Sendable {
  /// New, or replacing the one of its name.
  case addedOrUpdated(any VolumePlugin)
  /// Gone.
  case removed(name: String)
}

// The finders. A plugin that lacks an ability gives nil where volumes without it are usual, an error where not.
extension PluginManager {
  /// The plugin, if it attaches this volume.
  public func attachable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any AttachablePlugin)? {
    guard let plugin = try await plugin(for: spec) as? any AttachablePlugin else { return nil }
    return plugin.canAttach(spec) ? plugin : nil
  }
  /// The plugin, if it attaches volumes.
  public func attachable(named name: String) async throws(VolumeFailure) -> (any AttachablePlugin)? {
    try await plugin(named: name) as? any AttachablePlugin
  }
  /// The plugin, if it mounts this volume's device.
  public func deviceMountable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any DeviceMountablePlugin)? {
    guard let plugin = try await plugin(for: spec) as? any DeviceMountablePlugin else { return nil }
    return plugin.canMountDevice(spec) ? plugin : nil
  }
  /// The plugin, if it mounts devices.
  public func deviceMountable(named name: String) async throws(VolumeFailure) -> (any DeviceMountablePlugin)? {
    try await plugin(named: name) as? any DeviceMountablePlugin
  }
  /// The plugin, if its volumes grow.
  public func expandable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any ExpandablePlugin)? {
    try await plugin(for: spec) as? any ExpandablePlugin
  }
  /// The plugin, if its file systems grow on the node.
  public func nodeExpandable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any NodeExpandablePlugin)? {
    try await plugin(for: spec) as? any NodeExpandablePlugin
  }
  /// The plugin, if it has devices for pods.
  public func block(for spec: VolumeSpec) async throws(VolumeFailure) -> (any BlockPlugin)? {
    try await plugin(for: spec) as? any BlockPlugin
  }
  /// The plugin of a PV.
  public func persistent(for spec: VolumeSpec) async throws(VolumeFailure) -> any PersistentPlugin {
    guard let plugin = try await plugin(for: spec) as? any PersistentPlugin else {
      throw .final("no persistent volume plugin matched")
    }
    return plugin
  }
  /// The plugin that wipes a PV.
  public func recyclable(for spec: VolumeSpec) async throws(VolumeFailure) -> any RecyclablePlugin {
    guard let plugin = try await plugin(for: spec) as? any RecyclablePlugin else {
      throw .final("no recyclable volume plugin matched")
    }
    return plugin
  }
  /// The plugin that removes a PV's storage.
  public func deletable(for spec: VolumeSpec) async throws(VolumeFailure) -> any DeletablePlugin {
    guard let plugin = try await plugin(for: spec) as? any DeletablePlugin else {
      throw .final("no deletable volume plugin matched")
    }
    return plugin
  }
  /// The plugin that makes volumes.
  public func provisionable(named name: String) async throws(VolumeFailure) -> any ProvisionablePlugin {
    guard let plugin = try await plugin(named: name) as? any ProvisionablePlugin else {
      throw .final("no provisionable volume plugin matched")
    }
    return plugin
  }
  /// All plugins with limits on this node.
  public func limited() async -> [any LimitedPlugin] {
    await refresh()
    return all.compactMap { $0 as? any LimitedPlugin }.sorted { $0.name < $1.name }
  }
}
