internal import Synchronization

/// What a driver is examined with.
public struct SanitySettings: Sendable {
  /// Whose calls are made.
  public var version = KubernetesVersion.newest
  /// The kubelet's root directory for the examination; nil makes one in /tmp and removes it afterwards.
  public var root: String?
  /// The file system that volumes ask for.
  public var fsType = ""
  /// The options of every volume.
  public var options: [String: String] = [:]
  /// Options, one at a time, with which a volume that exists is mounted again: another size, say.
  public var variations: [(key: String, value: String)] = []
  /// The node's name.
  public var node = "node1"
  /// A call that takes longer has failed.
  public var limit = Duration.seconds(120)
  /// Volumes keep nothing when no pod uses them: what was written need not be found again.
  public var isEphemeral = false
  /// The size in bytes that volumes are grown to; nil skips growing.
  public var grownSize: Int64?
  /// Only cases whose names contain this.
  public var filter = ""

  /// The usual.
  public init() {}
}

/// Examines a FlexVolume driver: makes the calls that a kubelet makes, and some that it does not, and looks at what became of
/// them.
///
/// Mounts and files are made below the kubelet root that it works in, and by the driver wherever it keeps its volumes; their
/// names begin with `flex-sanity-`.
public struct DriverSanity: Sendable {
  private let executable: String
  private let settings: SanitySettings

  /// The examination of an executable, named by its absolute path.
  public init(executable: String, settings: SanitySettings = SanitySettings()) {
    self.executable = executable
    self.settings = settings
  }

  /// Runs the cases one after another and hands out each result when it is there.
  public func run(_ report: (SanityResult) -> Void) async throws {
    let root = try settings.root.map { try BenchFiles.makeRoot($0) } ?? BenchFiles.makeScratch()
    let bench = await bench(root)
    for sanityCase in SanityCase.all where settings.filter.isEmpty || sanityCase.name.contains(settings.filter) {
      report(await run(sanityCase, bench))
    }
    BenchFiles.removePods(in: bench.host.paths.pods)
    if settings.root == nil { BenchFiles.removeScratch(root) }
  }

  private func run(_ sanityCase: SanityCase, _ bench: SanityBench) async -> SanityResult {
    let time = SystemTime()
    let verdict: SanityResult.Verdict
    do {
      try await sanityCase.body(bench)
      verdict = .passed
    } catch let skip as SanitySkip {
      verdict = .skipped(skip.reason)
    } catch let failure as SanityFailure {
      verdict = .failed(failure.detail)
    } catch {
      verdict = .failed("\(error)")
    }
    return SanityResult(sanityCase: sanityCase, verdict: verdict, duration: time.now)
  }

  private func bench(_ root: String) async -> SanityBench {
    let recorder = RecordingRunner(limit: settings.limit)
    let surroundings = BenchFiles.snapshot(Self.directory(of: executable))
    let driver = FlexDriver(
      name: Self.name(of: executable), executable: executable, version: settings.version, runner: recorder)
    let host = PluginHost(
      version: settings.version, paths: HostPaths(root: root), node: settings.node, files: LinuxFiles(),
      time: SystemTime())
    let capabilities = try? await driver.initialize()
    return SanityBench(
      settings: settings, host: host, recorder: recorder, driver: driver, capabilities: capabilities,
      surroundings: surroundings)
  }

  static func directory(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

  /// By the directory that it is installed in, otherwise by the file.
  static func name(of path: String) -> DriverName {
    let parts = path.split(separator: "/").map(String.init)
    let file = parts.last ?? ""
    if parts.count > 1, let name = DriverName(directory: parts[parts.count - 2]), name.driver == file { return name }
    return DriverName(directory: file.filter { $0 != "~" }) ?? .example
  }
}

extension DriverName {
  fileprivate static var example: DriverName { DriverName(vendor: "example.org", driver: "driver") }
}
