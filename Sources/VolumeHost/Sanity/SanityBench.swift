internal import Synchronization

/// A driver under examination, with the operations for its cases.
struct SanityBench: Sendable {
  let options: SanityOptions
  let host: PluginHost
  let recorder: RecordingRunner
  let driver: FlexDriver
  /// The capabilities that `init` announced. Nil if it failed.
  let capabilities: DriverCapabilities?
  /// The content of the driver's directory before the examination.
  let surroundings: [String]

  var calls: DriverCalls { driver.calls }

  /// Makes a call with a fresh driver, which has no command recorded as missing.
  func ask(_ call: DriverCall) async -> DriverOutcome {
    DriverOutcome(of: call.command, await process(call))
  }

  func process(_ call: DriverCall) async -> DriverProcess {
    await recorder.run(driver.executable, call, limit: nil)
  }

  func require(_ condition: Bool, _ detail: @autoclosure () -> String) throws {
    if !condition { throw SanityFailure(detail()) }
  }

  /// Requires success.
  @discardableResult
  func requireSuccess(_ call: DriverCall) async throws -> DriverReply {
    switch await ask(call) {
    case .success(let reply): return reply
    case .notSupported: throw SanityFailure("\(call.command.rawValue) is not supported")
    case .failure(let reason): throw SanityFailure(reason)
    }
  }

  /// Requires anything but success.
  func requireRefusal(_ call: DriverCall, _ what: String) async throws {
    let command = call.command.rawValue
    switch await ask(call) {
    case .success: throw SanityFailure("\(command) with \(what) succeeded")
    case .notSupported: return
    case .failure(let reason):
      let start = "\(command) command failed, status: Failure, reason: "
      try require(reason.hasPrefix(start), "\(command) with \(what): \(reason)")
      try require(reason.utf8.count > start.utf8.count, "\(command) with \(what) failed without a message")
    }
  }

  /// Skips the case unless the driver has a command.
  func requireCommand(_ call: DriverCall) async throws {
    if await ask(call) == .notSupported { throw SanitySkip("the driver has no \(call.command.rawValue)") }
  }

  func announced() throws -> DriverCapabilities {
    guard let capabilities else { throw SanitySkip("init did not succeed") }
    return capabilities
  }

  /// Skips the case unless the driver attaches, or does not. `why` relates that to the case.
  func requireAttach(_ isWanted: Bool, why: String = "") throws {
    if try announced().attach != isWanted {
      let reason = isWanted ? "the driver does not attach" : "the driver attaches"
      throw SanitySkip(why.isEmpty ? reason : "\(reason): \(why)")
    }
  }

  func plugin() throws -> any FlexPlugin {
    let core = FlexCore(driver: driver, capabilities: try announced(), host: host)
    return core.capabilities.attach ? AttachableFlexVolumePlugin(core: core) : FlexVolumePlugin(core: core)
  }
}

// Volumes and pods, each with a unique name.
extension SanityBench {
  private static let counter = Atomic(0)

  /// The prefix of our pods' UIDs.
  static let uidPrefix = "5a171700-0000-4000-8000-"

  /// Returns whether a path belongs to one of our pods or volumes. A given root can contain others.
  static func isOurs(_ path: String) -> Bool { path.contains("/\(uidPrefix)") || path.contains("/flex-sanity-") }

  static func number() -> Int { counter.add(1, ordering: .relaxed).newValue }

  func spec(_ name: String? = nil, readOnly: Bool = false) -> VolumeSpec {
    let source = FlexSource(
      driver: driver.name.description, fsType: options.fsType, options: options.options)
    return .persistent(name ?? "flex-sanity-\(Self.number())", source, claimReadOnly: readOnly)
  }

  func pod(_ spec: VolumeSpec, group: UInt32? = nil) -> Pod {
    let number = Self.number()
    let digits = String(number)
    let uid = Self.uidPrefix + String(repeating: "0", count: 12 - digits.count) + digits
    return Pod(name: "sanity-\(number)", uid: uid, group: group, volumes: [spec])
  }

  func path(_ spec: VolumeSpec, _ pod: Pod) -> String {
    host.paths.volume(spec.name, ofPod: pod.uid, driver: driver.name)
  }

  /// Returns the number of mounts on a directory.
  func mountCount(_ path: String) throws -> Int { try BenchFiles.mountCount(path) }
}
