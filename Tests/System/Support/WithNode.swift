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
  _ kind: StorageKind = .thick, kubelet: Kubelet.Kind = .init(), start: Bool = true,
  at location: SourceLocation = #_sourceLocation, _ body: (Node) async throws -> Void
) async throws {
  let storage: Node.Storage
  switch kind {
  case .thick: storage = .thick(try VolumeGroup())
  case .thin: storage = .thin(try VolumeGroup(thinPool: "2g"))
  case .files: storage = .files
  case .directories: storage = .directories
  }
  try await withNode(storage, kubelet: kubelet, start: start, at: location, body)
}

/// The same on storage that the test has made.
func withNode(
  _ storage: Node.Storage, kubelet: Kubelet.Kind = .init(), start: Bool = true,
  at location: SourceLocation = #_sourceLocation, _ body: (Node) async throws -> Void
) async throws {
  let node = try Node(storage, kubelet: kubelet)
  do {
    if start { try await node.start() }
    try await body(node)
    await expectNothingOfKubelet(node, at: location)
    try node.stop(at: location)
    let leaks = try Leaks.found(on: node)
    #expect(leaks.isEmpty, "left behind: \(leaks.joined(separator: "; "))", sourceLocation: location)
  } catch {
    print("the end of the daemon's log:\n\(node.log.suffix(4000))")
    await tearDown(node)
    throw error
  }
  await tearDown(node)
}

/// All pods are deleted and no directory of theirs is left, and every answer of the client was one.
private func expectNothingOfKubelet(_ node: Node, at location: SourceLocation) async {
  guard let kubelet = node.madeKubelet else { return }
  await kubelet.shutDown()
  #expect(kubelet.pods.isEmpty, "pods still run", sourceLocation: location)
  #expect(kubelet.devicesInUse.isEmpty, "\(kubelet.devicesInUse)", sourceLocation: location)
  #expect(kubelet.runner.flaws.isEmpty, "\(kubelet.runner.flaws)", sourceLocation: location)
  #expect(kubelet.leftDirectories.isEmpty, "\(kubelet.leftDirectories)", sourceLocation: location)
}

/// Takes everything of the node away, however the test ended.
private func tearDown(_ node: Node) async {
  await node.madeKubelet?.shutDown()
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
