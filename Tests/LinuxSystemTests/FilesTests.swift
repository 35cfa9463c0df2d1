import Glibc
import LinuxSystem
import StorageModel
import TestSupport
import Testing

@Suite("Files")
struct FilesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("a durable write replaces the content, sets the mode and leaves no temporary file")
  func writeDurably() throws {
    try Files.writeDurably(Array("one".utf8), to: directory["f"], mode: 0o640)
    let old = try Descriptor.open(directory["f"], O_RDONLY)
    try Files.writeDurably(Array("two, longer".utf8), to: directory["f"], mode: 0o644)
    #expect(try Files.readText(directory["f"]) == "two, longer")
    // A process that has the old file open still reads all of it: the file was replaced, not rewritten.
    #expect(try Files.readText("/proc/self/fd/\(old.rawValue)") == "one")
    #expect(try Files.list(directory.path) == ["f"])
    var status = stat()
    #expect(stat(directory["f"], &status) == 0)
    #expect(status.st_mode & 0o777 == 0o644)
  }

  @Test("a durable write that fails leaves the old file and nothing else")
  func writeFails() throws {
    _ = try directory.directory("taken/full")
    #expect(failure { () throws(SystemError) in try Files.writeDurably([1], to: directory["taken"]) } == .isDirectory)
    #expect(try Files.list(directory.path) == ["taken"])
  }

  @Test("removing a missing file or directory succeeds")
  func removeDurably() throws {
    try directory.write("x", to: "f")
    try Files.removeDurably(directory["f"])
    try Files.removeDurably(directory["f"])
    try Files.removeDirectory(directory["nothing"])
    try Files.removeTree(directory["nothing"])
    try Files.removeTree(directory["nothing/below"])
    #expect(!Files.exists(directory["f"]))
  }

  @Test("reading a file larger than the limit is an error")
  func limit() throws {
    try directory.write("12345", to: "f")
    #expect(try Files.readAll(directory["f"], limit: 5).count == 5)
    #expect(failure { () throws(SystemError) in _ = try Files.readAll(directory["f"], limit: 4) } == .fileTooLarge)
  }

  @Test("a directory gets its exact mode whatever the umask, and creating it again succeeds")
  func makeDirectory() throws {
    try Files.makeDirectories(directory["a/b/c"], mode: 0o2777)
    try Files.makeDirectories(directory["a/b/c"], mode: 0o700)
    var status = stat()
    #expect(stat(directory["a/b"], &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o2777)
  }

  @Test("a file or link with the directory's name is an error")
  func makeDirectoryTaken() throws {
    try directory.write("x", to: "f")
    #expect(symlink("/tmp", directory["link"]) == 0)
    #expect(failure { () throws(SystemError) in try Files.makeDirectory(directory["f"], mode: 0o755) } == .exists)
    #expect(failure { () throws(SystemError) in try Files.makeDirectory(directory["link"], mode: 0o755) } == .exists)
  }

  @Test("the kind of a path is reported without following links")
  func kinds() throws {
    try directory.write("x", to: "f")
    #expect(symlink("nowhere", directory["link"]) == 0)
    #expect(try Files.kind(of: directory["f"]) == .file)
    #expect(try Files.kind(of: directory.path) == .directory)
    #expect(try Files.kind(of: directory["link"]) == .symlink)
    #expect(try Files.kind(of: "/dev/null") == .other)
    #expect(try Files.kind(of: directory["nothing"]) == nil)
    #expect(Files.exists(directory["link"]))
  }

  @Test("space counts are consistent")
  func space() throws {
    let space = try Files.space(at: directory.path)
    #expect(space.capacity > .zero)
    #expect(space.free <= space.capacity)
    #expect(space.available <= space.free)
  }

  @Test("a tree is removed without following links")
  func removeTree() throws {
    _ = try directory.directory("keep")
    try directory.write("precious", to: "keep/f")
    _ = try directory.directory("tree/sub/sub")
    #expect(symlink(directory["keep"], directory["tree/sub/link"]) == 0)
    #expect(symlink(directory["tree"], directory["toTree"]) == 0)
    for index in 0..<600 { try Files.makeDirectory(directory["tree/sub/\(index)"], mode: 0o755) }
    try Files.removeTree(directory["toTree"])
    #expect(Files.exists(directory["tree"]))
    try Files.removeTree(directory["tree"])
    #expect(try Files.list(directory.path) == ["keep"])
    #expect(try Files.readText(directory["keep/f"]) == "precious")
  }

  @Test("a tree deeper than the longest path and the limit of descriptors is removed")
  func removeDeepTree() throws {
    _ = try directory.directory("deep")
    var current = open(directory["deep"], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    let name = String(repeating: "x", count: 60)
    for _ in 0..<500 {
      #expect(mkdirat(current, name, 0o755) == 0)
      let next = openat(current, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      close(current)
      current = next
    }
    close(current)
    try Files.removeTree(directory["deep"])
    #expect(!Files.exists(directory["deep"]))
  }

  @Test("names that are not UTF-8 are removed")
  func removeStrangeNames() throws {
    _ = try directory.directory("tree")
    let path = directory["tree/"].utf8CString.dropLast() + [CChar(bitPattern: 0xff), CChar(bitPattern: 0xfe), 0]
    #expect(mknod(Array(path), S_IFREG | 0o600, 0) == 0)
    try Files.removeTree(directory["tree"])
    #expect(!Files.exists(directory["tree"]))
  }

  @Test(
    "a tree with a mount in it is not emptied, even if the mount is of the same file system",
    .enabled(if: Machine.isRoot, Machine.needsRoot))
  func removeTreeWithMount() throws {
    _ = try directory.directory("keep")
    try directory.write("precious", to: "keep/f")
    _ = try directory.directory("tree/mounted")
    try Mounting.bind(from: directory["keep"], toPath: directory["tree/mounted"], readOnly: false)
    #expect(failure { () throws(SystemError) in try Files.removeTree(directory["tree"]) } == .crossDevice)
    #expect(failure { () throws(SystemError) in try Files.removeTree(directory["tree/mounted"]) } == .crossDevice)
    #expect(failure { () throws(SystemError) in try Files.removeDirectory(directory["tree/mounted"]) } == .busy)
    #expect(try Files.readText(directory["keep/f"]) == "precious")
    #expect(try Mounting.unmountAllLayers(directory["tree/mounted"]) == 1)
    try Files.removeTree(directory["tree"])
    #expect(try Files.list(directory.path) == ["keep"])
  }

  @Test("temporary files of crashed writers are removed, other files stay")
  func temporaries() throws {
    try directory.write("x", to: "f")
    try directory.write("x", to: ".elastic-local-1-2-3.tmp")
    try Files.removeTemporaries(in: directory.path)
    #expect(try Files.list(directory.path) == ["f"])
  }
}

@Suite("Exclusive lock")
struct ExclusiveLockTests {
  @Test("a second holder is rejected until the first releases the lock")
  func contention() throws {
    let directory = try TemporaryDirectory()
    let path = directory["lock"]
    try hold(path) {
      #expect(failure { () throws(SystemError) in _ = try ExclusiveLock.acquire(path) } == .wouldBlock)
      #expect(ExclusiveLock.holder(path) == OwnProcess.processID)
    }
    try hold(path) {}
  }

  private func hold(_ path: String, _ body: () -> Void) throws {
    let lock = try ExclusiveLock.acquire(path)
    body()
    _ = consume lock
  }
}

@Suite("Own process")
struct OwnProcessTests {
  @Test("memory, environment and arguments are readable")
  func facts() {
    #expect(OwnProcess.residentMemory > .mebibytes(1))
    #expect(OwnProcess.residentMemory < .gibibytes(4))
    #expect(OwnProcess.environment["PATH"] != nil)
    #expect(OwnProcess.effectiveUserID == geteuid())
  }

  @Test("the monotonic clock goes forward and the wall clock is plausible")
  func clocks() {
    let first = MonotonicClock.now()
    #expect(MonotonicClock.now() >= first)
    #expect(WallClock.now() > Timestamp(seconds: 1_577_836_800))
  }
}
