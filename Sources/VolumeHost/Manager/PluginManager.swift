/// The registry of all volume plugins. It probes for new plugins at each query.
///
/// So a driver is probed, with `init`, at the next query for any plugin and not when its file appears. A driver whose
/// `init` hangs blocks every query.
public actor PluginManager {
  private var registered: [String: any VolumePlugin] = [:]
  private var discovered: [String: any VolumePlugin] = [:]
  private let probers: [any PluginProber]
  private let turnstile = Turnstile()

  /// Creates a manager that discovers plugins with these probers.
  public init(probers: [any PluginProber] = []) { self.probers = probers }

  /// Adds a permanent plugin.
  ///
  /// - Throws: `.final` if its name is not valid or is registered already.
  public func register(_ plugin: any VolumePlugin) throws(VolumeFailure) {
    guard DriverName(plugin.name) != nil else { throw .final("volume plugin \"\(plugin.name)\" has an invalid name") }
    guard registered[plugin.name] == nil else {
      throw .final("volume plugin \"\(plugin.name)\" was registered more than once")
    }
    registered[plugin.name] = plugin
  }

  /// Returns the plugin of that name.
  ///
  /// - Throws: `.final` if there is none, or more than one.
  public func plugin(named name: String) async throws(VolumeFailure) -> any VolumePlugin {
    await refresh()
    return try theOnly(all.filter { $0.name == name })
  }

  /// Returns the plugin that supports a volume.
  ///
  /// - Throws: `.final` if there is none, or more than one.
  public func plugin(for spec: VolumeSpec) async throws(VolumeFailure) -> any VolumePlugin {
    await refresh()
    return try theOnly(all.filter { $0.supports(spec) })
  }

  /// Probes for new plugins without a query, as a kubelet does at its start since 1.32.
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

/// Discovers plugins that are added and removed.
public protocol PluginProber: Sendable {
  /// Returns the changes since the last call. Calls do not overlap.
  func probe() async -> [PluginEvent]
}

/// A plugin that was added or removed.
public enum PluginEvent: Sendable {
  /// The plugin is new, or replaces the plugin of its name.
  case addedOrUpdated(any VolumePlugin)
  /// The plugin was removed.
  case removed(name: String)
}

// The queries. If the plugin lacks the ability, they return nil where such volumes are common, and throw otherwise.
extension PluginManager {
  /// Returns the plugin if it attaches this volume, otherwise nil. Throws `.final` if not exactly one plugin supports
  /// the volume.
  public func attachable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any AttachablePlugin)? {
    guard let plugin = try await plugin(for: spec) as? any AttachablePlugin else { return nil }
    return plugin.canAttach(spec) ? plugin : nil
  }
  /// Returns the plugin if it attaches volumes, otherwise nil. Throws `.final` if not exactly one plugin has the name.
  public func attachable(named name: String) async throws(VolumeFailure) -> (any AttachablePlugin)? {
    try await plugin(named: name) as? any AttachablePlugin
  }
  /// Returns the plugin if it mounts this volume's device, otherwise nil. Throws `.final` if not exactly one plugin
  /// supports the volume.
  public func deviceMountable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any DeviceMountablePlugin)? {
    guard let plugin = try await plugin(for: spec) as? any DeviceMountablePlugin else { return nil }
    return plugin.canMountDevice(spec) ? plugin : nil
  }
  /// Returns the plugin if it mounts devices, otherwise nil. Throws `.final` if not exactly one plugin has the name.
  public func deviceMountable(named name: String) async throws(VolumeFailure) -> (any DeviceMountablePlugin)? {
    try await plugin(named: name) as? any DeviceMountablePlugin
  }
  /// Returns the plugin if its volumes can grow, otherwise nil. Throws `.final` if not exactly one plugin supports the
  /// volume.
  public func expandable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any ExpandablePlugin)? {
    try await plugin(for: spec) as? any ExpandablePlugin
  }
  /// Returns the plugin if its file systems can grow on the node, otherwise nil. Throws `.final` if not exactly one
  /// plugin supports the volume.
  public func nodeExpandable(for spec: VolumeSpec) async throws(VolumeFailure) -> (any NodeExpandablePlugin)? {
    try await plugin(for: spec) as? any NodeExpandablePlugin
  }
  /// Returns the plugin if it provides block devices, otherwise nil. Throws `.final` if not exactly one plugin supports
  /// the volume.
  public func block(for spec: VolumeSpec) async throws(VolumeFailure) -> (any BlockPlugin)? {
    try await plugin(for: spec) as? any BlockPlugin
  }
  /// Returns the plugin of a PV. Throws `.final` if not exactly one plugin supports it, or the plugin is not for PVs.
  public func persistent(for spec: VolumeSpec) async throws(VolumeFailure) -> any PersistentPlugin {
    guard let plugin = try await plugin(for: spec) as? any PersistentPlugin else {
      throw .final("no persistent volume plugin matched")
    }
    return plugin
  }
  /// Returns the plugin that wipes a PV. Throws `.final` if not exactly one plugin supports it, or the plugin cannot
  /// wipe.
  public func recyclable(for spec: VolumeSpec) async throws(VolumeFailure) -> any RecyclablePlugin {
    guard let plugin = try await plugin(for: spec) as? any RecyclablePlugin else {
      throw .final("no recyclable volume plugin matched")
    }
    return plugin
  }
  /// Returns the plugin that deletes a PV's storage. Throws `.final` if not exactly one plugin supports it, or the
  /// plugin cannot delete.
  public func deletable(for spec: VolumeSpec) async throws(VolumeFailure) -> any DeletablePlugin {
    guard let plugin = try await plugin(for: spec) as? any DeletablePlugin else {
      throw .final("no deletable volume plugin matched")
    }
    return plugin
  }
  /// Returns the plugin that provisions volumes. Throws `.final` if not exactly one plugin has the name, or the plugin
  /// cannot provision.
  public func provisionable(named name: String) async throws(VolumeFailure) -> any ProvisionablePlugin {
    guard let plugin = try await plugin(named: name) as? any ProvisionablePlugin else {
      throw .final("no provisionable volume plugin matched")
    }
    return plugin
  }
  /// Returns all plugins with limits on this node, sorted by name.
  public func limited() async -> [any LimitedPlugin] {
    await refresh()
    return all.compactMap { $0 as? any LimitedPlugin }.sorted { $0.name < $1.name }
  }
}
