import LinuxSystem
import RunningPrograms

/// Where the tests are, and where their output goes.
struct Place: Sendable {
  /// The tests: of the build that this program is of.
  let bundle: String
  /// The output of runs that failed.
  let kept: String
  /// The output of runs that go on.
  let work: String

  /// Throws where the tests are not built.
  init() throws {
    bundle = OwnBuild.products + "/elastic-localPackageTests.xctest"
    kept = OwnBuild.directory + "/flakes"
    guard Files.exists(bundle) else { throw Trouble("\(bundle) is not there: swift build --build-tests makes it") }
    try Files.removeTree(kept)
    work = try TemporaryDirectory.make("/tmp/flakes-")
  }

  /// What is left is a temporary directory.
  func remove() { try? Files.removeTree(work) }
}
