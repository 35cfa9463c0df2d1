internal import Synchronization

/// The options of an examination.
public struct SanityOptions: Sendable {
  /// The version whose calls are made.
  public var version = KubernetesVersion.newest
  /// The kubelet's root directory for the examination. Nil creates one in /tmp and removes it afterwards.
  public var root: String?
  /// The file system of the volumes. Empty for the driver's choice.
  public var fsType = ""
  /// The options of every volume.
  public var options: [String: String] = [:]
  /// Options with which an existing volume is mounted again, one at a time, such as another size.
  public var variations: [(key: String, value: String)] = []
  /// The node's name.
  public var node = "node1"
  /// The time after which a call counts as failed.
  public var limit = Duration.seconds(120)
  /// Whether volumes keep nothing when no pod uses them. Written data are then not checked later.
  public var isEphemeral = false
  /// The size in bytes to grow volumes to. Nil skips growing.
  public var grownSize: Int64?
  /// Only cases with names that contain this text run.
  public var filter = ""

  /// Creates the defaults.
  public init() {}
}

/// Examines a FlexVolume driver. It makes the calls that a kubelet makes, and some that it does not, and checks the
/// results.
///
/// It creates mounts and files below the kubelet root that it works in. The driver creates them wherever it keeps its
/// volumes. Their names begin with `flex-sanity-`.
public struct DriverSanity: Sendable {
  private let executable: String
  private let options: SanityOptions

  /// Creates the examination of an executable, given by its absolute path.
  public init(executable: String, options: SanityOptions = SanityOptions()) {
    self.executable = executable
    self.options = options
  }

  /// Runs the cases one after another and passes each result to `report`. Suspends in between.
  ///
  /// - Throws: an error if the working directory cannot be created. A failed case is a result, not an error.
  public func run(_ report: (SanityResult) -> Void) async throws {
    let root = try options.root.map { try BenchFiles.makeRoot($0) } ?? BenchFiles.makeScratch()
    let bench = await bench(root)
    for sanityCase in SanityCase.all where options.filter.isEmpty || sanityCase.name.contains(options.filter) {
      report(await run(sanityCase, bench))
    }
    BenchFiles.removePods(in: bench.host.paths.pods)
    if options.root == nil { BenchFiles.removeScratch(root) }
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
    let recorder = RecordingRunner(limit: options.limit)
    let surroundings = BenchFiles.snapshot(Self.directory(of: executable))
    let driver = FlexDriver(
      name: Self.name(of: executable), executable: executable, version: options.version, runner: recorder)
    let host = PluginHost(
      version: options.version, paths: HostPaths(root: root), node: options.node, files: LinuxFiles(),
      time: SystemTime())
    let capabilities = try? await driver.initialize()
    return SanityBench(
      options: options, host: host, recorder: recorder, driver: driver, capabilities: capabilities,
      surroundings: surroundings)
  }

  static func directory(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

  /// Returns the driver's name by its installation directory, otherwise by its file name.
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
