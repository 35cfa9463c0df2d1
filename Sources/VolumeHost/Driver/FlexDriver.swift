internal import Synchronization

/// A driver that is loaded: knows its executable and which commands it has said it does not have.
///
/// A new one takes its place at every probe, so what was remembered is forgotten then. Calls run side by side; the caller
/// keeps those of one volume apart.
public final class FlexDriver: Sendable {
  /// Its name.
  public let name: DriverName
  /// The absolute path of its executable.
  public let executable: String
  /// How its calls look.
  public let calls: DriverCalls

  private let runner: any DriverRunner
  private let missing = Mutex<Set<DriverCommand>>([])

  /// A driver below a plugin directory.
  public convenience init(
    name: DriverName, pluginDirectory: String, version: KubernetesVersion, runner: any DriverRunner
  ) {
    self.init(name: name, executable: "\(pluginDirectory)/\(name.executable)", version: version, runner: runner)
  }

  /// A driver whose executable is anywhere.
  public init(name: DriverName, executable: String, version: KubernetesVersion, runner: any DriverRunner) {
    self.name = name
    self.executable = executable
    calls = DriverCalls(version: version)
    self.runner = runner
  }

  /// Makes a call and says what it came to. A command that was `Not supported` once is not called again.
  public func perform(_ call: DriverCall) async -> DriverOutcome {
    if missing.withLock({ $0.contains(call.command) }) { return .notSupported }
    let process = await runner.run(executable, call, limit: call.command.timeLimit)
    let outcome = DriverOutcome(of: call.command, process)
    if outcome == .notSupported { missing.withLock { _ = $0.insert(call.command) } }
    return outcome
  }

  /// The commands that it has said it does not have.
  public var missingCommands: Set<DriverCommand> { missing.withLock { $0 } }
}

extension FlexDriver {
  /// Asks what it can do: its capabilities, with those that the version does not know at their defaults.
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
