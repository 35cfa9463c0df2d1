import LinuxSystem
import StorageModel
import Synchronization
import Testing
import VolumeHost

@Suite("Volume metrics")
struct MetricsTests {
  private let files = LinuxFiles()
  private let time = SimulatedTime()

  @Test("A volume without figures says so with code 1")
  func none() async {
    await #expect(throws: MetricsError.notSupported("MetricsNil")) { try await NoMetrics().metrics() }
    #expect(MetricsError.notSupported("x").code.rawValue == 1)
    #expect(MetricsError.notSupported("NFS").message == "metrics are not supported for NFS volumes")
  }

  @Test("No path is code 2, a path that is not there code 3")
  func errors() async {
    await #expect(throws: MetricsError.noPathDefined) {
      try await FileSystemMetrics(path: "", files: files, time: time).metrics()
    }
    await #expect(throws: MetricsError.noPathDefined) {
      try await DirectoryMetrics(path: "", files: files, time: time).metrics()
    }
    let failed = MetricsError.failed("no such file or directory")
    #expect(failed.code.rawValue == 3 && MetricsError.noPathDefined.code.rawValue == 2)
    await #expect(throws: failed) { try await FileSystemMetrics(path: "/none", files: files, time: time).metrics() }
    await #expect(throws: failed) { try await DirectoryMetrics(path: "/none", files: files, time: time).metrics() }
  }

  @Test("A file system's metrics are those of statfs")
  func fileSystem() async throws {
    let found = try await FileSystemMetrics(path: "/", files: files, time: time).metrics()
    let space = try Files.space(at: "/")
    #expect(found.space.capacity == Int64(clamping: space.capacity.bytes))
    #expect(found.used == found.space.used && found.used > 0)
    #expect(found.inodesUsed == found.space.inodes - found.space.inodesFree)
  }

  @Test("A directory's usage counts each file once")
  func directory() async throws {
    let directory = try TemporaryDirectory()
    try directory.directory("a/b")
    try directory.file("a/file", String(repeating: "x", count: 100_000))
    let found = try await DirectoryMetrics(path: directory.path, files: files, time: time).metrics()
    #expect(found.inodesUsed == 4)
    #expect((100_000...200_000).contains(found.used))
    #expect(found.space.capacity > found.used)
  }

  @Test("A provider is asked once for a cached answer, and again after a failure")
  func cached() async throws {
    let provider = CountingMetrics(failures: 1)
    let cached = CachedMetrics(provider)
    await #expect(throws: MetricsError.self) { try await cached.metrics() }
    for _ in 0..<3 { _ = try await cached.metrics() }
    #expect(provider.count == 2)
  }
}

private final class CountingMetrics: MetricsProvider {
  private let failures: Int
  private let asked = Atomic(0)

  init(failures: Int) { self.failures = failures }

  var count: Int { asked.load(ordering: .relaxed) }

  func metrics() async throws(MetricsError) -> VolumeMetrics {
    if asked.add(1, ordering: .relaxed).newValue <= failures { throw .failed("not yet") }
    let space = SpaceUsage(capacity: 1, available: 1, used: 0, inodes: 1, inodesFree: 1)
    return VolumeMetrics(time: .zero, space: space)
  }
}
