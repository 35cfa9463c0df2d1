import Glibc
import LinuxSystem
import StorageModel
import VolumeHost

/// Compares the node with the model.
struct Checker {
  let node: NodeUnderTest
  let model: Model
  let foreign: [Group.Volume]

  /// All differences between the node and the model, as text.
  func findings() async throws -> [String] {
    // All later reads come from the disk.
    try Files.writeText("/proc/sys/vm/drop_caches", "3\n")
    let volumes = try await Group.volumes()
    var findings: [String] = []
    for volume in model.sorted { findings += try self.findings(about: volume, volumes) }
    findings += try node.standIns.makings().filter { $0.hasSuffix(" HELD") }
      .map { "mkfs was started on a device that another process holds: \($0)" }
    findings += try foreignFindings(volumes)
    findings += try leaks(volumes)
    return findings
  }

  /// Differences in acknowledged data. There must be none at any time.
  func dataFindings() throws -> [String] { try model.sorted.flatMap { try fileFindings($0) } }

  // MARK: volumes

  private func findings(about volume: Model.Volume, _ volumes: [Group.Volume]) throws -> [String] {
    let name = volume.new.name
    guard let found = volumes.first(where: { $0.name == name }) else { return ["volume \(name) is gone"] }
    var findings: [String] = []
    if found.instance != volume.instance { findings.append("volume \(name) is another instance: it was created again") }
    if !found.isOurs { findings.append("volume \(name) has lost its tag") }
    if let recorded = model.claims[name]?.instance, recorded != volume.instance {
      findings.append("the node has reported volume \(name) as \(recorded), and it is \(volume.instance)")
    }
    if found.bytes < UInt64(volume.mebibytes) << 20 {
      findings.append("volume \(name) has \(found.bytes >> 20) MiB, acknowledged were \(volume.mebibytes)")
    }
    findings += try fileSystemFindings(volume)
    findings += try mountFindings(volume)
    findings += try fileFindings(volume)
    return findings
  }

  private func fileSystemFindings(_ volume: Model.Volume) throws -> [String] {
    let name = volume.new.name
    var findings: [String] = []
    let makings = try node.standIns.makings(of: name)
    if makings != volume.makings {
      findings.append("mkfs was run on volume \(name) after it had been acknowledged (\(makings) times in all)")
    }
    guard Files.exists(Group.device(name)) else {
      // The device is detached. The next call activates it.
      return volume.pods.isEmpty ? findings : findings + ["the device of volume \(name) is gone"]
    }
    switch try DeviceContents.probe(Group.device(name)) {
    case .fileSystem(volume.new.fileSystem, .some(volume.fileSystemUUID), _): return findings
    case let contents: return findings + ["volume \(name) holds \(contents), not \(volume.fileSystemUUID)"]
    }
  }

  private func mountFindings(_ volume: Model.Volume) throws -> [String] {
    let table = try MountTable.current()
    var findings: [String] = []
    for (pod, readOnly) in volume.pods {
      let path = node.caller.podDirectory(volume.new.name, pod)
      let layers = table.at(path)
      guard let top = layers.last else {
        findings.append("volume \(volume.new.name) is not mounted at \(path)")
        continue
      }
      if layers.count > 1 { findings.append("\(layers.count) mounts are stacked at \(path)") }
      if try top.device != BlockDevice.number(of: Group.device(volume.new.name)) {
        findings.append("\(path) shows \(top.source), not volume \(volume.new.name)")
      }
      if top.isReadOnly != readOnly { findings.append("\(path) is \(readOnly ? "writable" : "read-only")") }
      findings += try sizeFindings(volume, path)
    }
    return findings
  }

  /// A file system uses a part of its volume for itself.
  private func sizeFindings(_ volume: Model.Volume, _ path: String) throws -> [String] {
    let overhead = volume.new.fileSystem == "xfs" ? 92 : 24
    let capacity = try Files.space(at: path).capacity.bytes >> 20
    guard capacity < UInt64(volume.mebibytes - overhead) else { return [] }
    return ["\(path) has only \(capacity) MiB of space; \(volume.mebibytes) MiB were acknowledged"]
  }

  private func fileFindings(_ volume: Model.Volume) throws -> [String] {
    guard let pod = volume.pods.keys.min() else { return [] }
    let directory = node.caller.podDirectory(volume.new.name, pod)
    return volume.files.sorted { $0.key < $1.key }.compactMap { name, content in
      let accepted = [content, volume.doubts[name]].compactMap { $0 }
      let path = "\(directory)/\(name)"
      guard let bytes = try? Files.readAll(path, limit: 1 << 20) else {
        return "acknowledged file \(path) is gone or cannot be read"
      }
      if accepted.contains(where: { $0.make() == bytes }) { return nil }
      return "acknowledged file \(path) has other contents: \(bytes.count) bytes instead of \(content.bytes)"
    }
  }

  // MARK: foreign volumes

  private func foreignFindings(_ volumes: [Group.Volume]) throws -> [String] {
    try foreign.flatMap { known -> [String] in
      guard volumes.contains(known) else { return ["foreign volume \(known.name) was changed or removed"] }
      guard Group.foreign.contains(known.name) else { return [] }
      let content = Group.foreignContent(known.name).make()
      let isSame = try BlockDeviceWriting.beginning(of: Group.device(known.name), bytes: content.count) == content
      return isSame ? [] : ["the contents of foreign volume \(known.name) were changed"]
    }
  }

  // MARK: leaks

  private func leaks(_ volumes: [Group.Volume]) throws -> [String] {
    let stray = volumes.filter { $0.isOurs && model.volumes[$0.name] == nil }.map { "logical volume \($0.name)" }
    let all =
      try stray + deviceLeaks(volumes) + mountLeaks() + stateLeaks() + processLeaks()
      + LoopDevice.all().map { "loop device \($0.device)" }
    return all.map { "left behind: \($0)" }
  }

  private func deviceLeaks(_ volumes: [Group.Volume]) throws -> [String] {
    let names = volumes.map { DeviceMapper.name(group: Group.name, volume: $0.name) }
    let pool = DeviceMapper.name(group: Group.name, volume: Group.pool)
    let known = Set(names + ["_tdata", "_tmeta", "-tpool"].map { pool + $0 })
    return try DeviceMapper.names().filter { $0.hasPrefix(Group.name + "-") && !known.contains($0) }
      .map { "device \($0)" }
  }

  /// Every mount must have a user, and every user its mount.
  private func mountLeaks() throws -> [String] {
    var expected = [node.place.state, node.place.kubelet]
    for volume in model.sorted where !volume.pods.isEmpty {
      let name = volume.new.name
      expected.append(volume.new.attaches ? node.caller.globalDirectory(name) : "\(node.place.state)/staging/\(name)")
      expected += volume.pods.keys.map { node.caller.podDirectory(name, $0) }
    }
    let found = try MountTable.current().below(node.place.root).map(\.mountPoint)
    return Set(found).subtracting(expected).sorted().map { "mount \($0)" }
      + Set(expected).subtracting(found).sorted().map { "no mount at \($0)" }
  }

  private func stateLeaks() throws -> [String] {
    let permits = try Files.list(node.place.state + "/permits").map { "permit \($0)" }
    let staged = Set(model.sorted.filter { !$0.pods.isEmpty && !$0.new.attaches }.map(\.new.name))
    let staging = try Files.list(node.place.state + "/staging").filter { !staged.contains($0) }
    return permits + staging.map { "staging directory \($0)" } + lockLeaks()
  }

  private func lockLeaks() -> [String] {
    let directory = "/run/lock/lvm"
    return ((try? Files.list(directory)) ?? []).filter { Self.isHeld("\(directory)/\($0)") }.map {
      "lock \(directory)/\($0)"
    }
  }

  /// The daemon works for the cluster at any time, so only a lock that is held for long is left behind.
  private static func isHeld(_ path: String) -> Bool {
    for _ in 0..<300 {
      guard let file = try? Descriptor.open(path, O_RDWR) else { return false }
      if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return false }
      usleep(10_000)
    }
    return true
  }

  /// Programs that the daemon has started and not ended.
  private func processLeaks() throws -> [String] {
    try Files.list("/proc").compactMap { Int32($0) }.compactMap { process in
      guard let line = try? Files.readText("/proc/\(process)/cmdline") else { return nil }
      let isTool = line.contains("/dev/mapper/\(Group.name)-") || line.hasPrefix("sleep\u{0}600")
      return isTool ? "process \(process) \(line)" : nil
    }
  }
}

extension Files {
  /// Writes to a file of the kernel.
  static func writeText(_ path: String, _ text: String) throws {
    let file = try Descriptor.open(path, O_WRONLY)
    let bytes = Array(text.utf8)
    guard bytes.withUnsafeBytes({ write(file.rawValue, $0.baseAddress, $0.count) }) == bytes.count else {
      throw SystemError(operation: "write", subject: path, errno: .current)
    }
  }
}
