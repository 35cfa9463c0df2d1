import Glibc
import LinuxSystem
import Testing

/// What a node of a test makes its volumes of.
enum StorageKind: String, CaseIterable, CustomTestStringConvertible {
  case thick, thin, files, directories

  var testDescription: String { rawValue }
}

/// Runs a test on a node of its own with a running daemon. Afterwards nothing may be left of what it made.
func withNode(
  _ kind: StorageKind = .thick, start: Bool = true, at location: SourceLocation = #_sourceLocation,
  _ body: (Node) throws -> Void
) throws {
  let storage: Node.Storage
  switch kind {
  case .thick: storage = .thick(try VolumeGroup())
  case .thin: storage = .thin(try VolumeGroup(thinPool: "2g"))
  case .files: storage = .files
  case .directories: storage = .directories
  }
  try withNode(storage, start: start, at: location, body)
}

/// The same on storage that the test has made.
func withNode(
  _ storage: Node.Storage, start: Bool = true, at location: SourceLocation = #_sourceLocation,
  _ body: (Node) throws -> Void
) throws {
  let node = try Node(storage)
  defer { tearDown(node) }
  do {
    if start { try node.start() }
    try body(node)
    try node.stop(at: location)
    let leaks = try Leaks.found(on: node)
    #expect(leaks.isEmpty, "left behind: \(leaks.joined(separator: "; "))", sourceLocation: location)
  } catch {
    print("the end of the daemon's log:\n\(node.log.suffix(4000))")
    throw error
  }
}

/// Takes everything of the node away, however the test ended.
private func tearDown(_ node: Node) {
  try? node.kill9()
  let mounts = (try? MountTable.current().below(node.root)) ?? []
  for mount in mounts.reversed() { umount2(mount.mountPoint, Int32(MNT_DETACH)) }
  for loop in (try? LoopDevice.all()) ?? [] where loop.backingFile.hasPrefix(node.root + "/") {
    try? LoopDevice.detach(loop.device)
  }
  if case .thick(let group) = node.storage { try? group.destroy() }
  if case .thin(let group) = node.storage { try? group.destroy() }
  try? Files.removeTree(node.root)
}
