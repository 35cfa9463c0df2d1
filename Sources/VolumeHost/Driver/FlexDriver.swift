internal import Synchronization

/// A loaded driver: its executable, and the commands that it reported as not supported.
///
/// Each probe replaces the driver by a new one without these commands. Calls run in parallel; the caller serializes the
/// calls of one volume.
public final class FlexDriver: Sendable {
  /// The name of the driver.
  public let name: DriverName
  /// The absolute path of the executable.
  public let executable: String
  /// Builds the driver's calls.
  public let calls: DriverCalls

  private let runner: any DriverRunner
  private let missing = Mutex<Set<DriverCommand>>([])

  /// Creates a driver below a plugin directory.
  public convenience init(
    name: DriverName, pluginDirectory: String, version: KubernetesVersion, runner: any DriverRunner
  ) {
    self.init(name: name, executable: "\(pluginDirectory)/\(name.executable)", version: version, runner: runner)
  }

  /// Creates a driver with any executable.
  public init(name: DriverName, executable: String, version: KubernetesVersion, runner: any DriverRunner) {
    self.name = name
    self.executable = executable
    calls = DriverCalls(version: version)
    self.runner = runner
  }

  /// Makes a call and returns its outcome. A command that was once `Not supported` is not called again.
  public func perform(_ call: DriverCall) async -> DriverOutcome {
    if missing.withLock({ $0.contains(call.command) }) { return .notSupported }
    let process = await runner.run(executable, call, limit: call.command.timeLimit)
    let outcome = DriverOutcome(of: call.command, process)
    if outcome == .notSupported { missing.withLock { _ = $0.insert(call.command) } }
    return outcome
  }

  /// The commands that the driver reported as not supported.
  public var missingCommands: Set<DriverCommand> { missing.withLock { $0 } }
}

extension FlexDriver {
  /// Calls `init` and returns the capabilities. Capabilities that the version does not know have their defaults.
  ///
  /// - Throws: `.final` if the call fails, is not supported, or answers `"capabilities": null`.
  public func initialize() async throws(VolumeFailure) -> DriverCapabilities {
    switch await perform(calls.initialize()) {
    case .success(let reply):
      guard let capabilities = reply.capabilities else {
        throw .final("init answered \"capabilities\": null, on which a kubelet crashes")
      }
      return capabilities.known(to: calls.version)
    case .notSupported: throw .final("Not supported")
    case .failure(let reason): throw .final(reason)
    }
  }
}

extension DriverCapabilities {
  func known(to version: KubernetesVersion) -> DriverCapabilities {
    var result = DriverCapabilities()
    if version.knowsAttachCapability { result.attach = attach }
    if version.knowsRelabelCapability { result.selinuxRelabel = selinuxRelabel }
    if version.knowsExpansion {
      (result.supportsMetrics, result.fsGroup) = (supportsMetrics, fsGroup)
      result.requiresFSResize = requiresFSResize
    }
    return result
  }
}
