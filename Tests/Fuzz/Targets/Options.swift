internal import LinuxSystem
@testable internal import FlexDoor
internal import StorageModel

extension FuzzTarget {
  /// The options of a volume: as kubelet's JSON, or one a line, `key=value`. What is accepted is in range and harmless.
  static let options = FuzzTarget("options") { bytes throws(Violation) in
    let text = String(decoding: bytes, as: UTF8.self)
    let options: FlexOptions
    do throws(VolumeError) {
      options = text.hasPrefix("{") ? try FlexOptions(json: text) : try FlexOptions(pairs(text))
    } catch {
      try hold(error.code == .invalid, "refused as \(error.code)")
      return try holdOneLine(error.message)
    }
    if !text.hasPrefix("{") { try checkKeys(pairs(text)) }
    try checkOptions(options.options)
    if let name = options.volume { try checkName(name.text) }
  }

  private static func pairs(_ text: String) -> [String: String] {
    var pairs: [String: String] = [:]
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let equals = line.firstIndex(of: UInt8(ascii: "=")) ?? line.endIndex
      pairs[String(Substring(line[..<equals]))] = String(Substring(line[equals...].dropFirst()))
    }
    return pairs
  }

  /// Those of docs/wire.md, and kubelet's.
  private static func checkKeys(_ pairs: [String: String]) throws(Violation) {
    let known = ["sizeBytes", "fsType", "mkfsOptions", "mountOptions", "volumeGroup", "thin", "binding"]
    for key in pairs.keys where !known.contains(where: { key.isSame($0) }) {
      try hold(key.utf8.starts(with: "kubernetes.io/".utf8), "option \(key) is not known and was accepted")
    }
  }
}

private func checkName(_ name: String) throws(Violation) {
  try hold(name.isVisibleASCII && !name.hasPrefix("-") && !name.contains("/"), "name \(name)")
  try hold(SafePath.isPlain(name) && name.utf8.count <= 112, "name \(name)")
}

/// What every volume's options are, wherever they come from.
func checkOptions(_ options: VolumeOptions) throws(Violation) {
  if let size = options.size { try hold((1...UInt64(Int64.max)).contains(size.bytes), "size \(size.bytes)") }
  if let group = options.deviceClass.group { try checkName(group.text) }
  let mount = options.mountOptions.options
  for option in mount {
    try hold(option.isVisibleASCII && !option.contains(","), "mount option \(option.debugDescription)")
    let name = option.prefix { $0 != "=" }
    try hold(!["dev", "suid", "exec", "remount", "bind", "ro", "rw"].contains(name), "mount option \(option)")
  }
  if !mount.isEmpty {
    let again = try mustSucceed("mount options again") { try MountOptions(parsing: mount.joined(separator: ",")) }
    try hold(again.options == mount, "mount options \(mount) become \(again.options)")
  }
  let mkfs = options.mkfsOptions.arguments
  for argument in mkfs {
    try hold(argument.isVisibleASCII && !argument.contains("/"), "mkfs argument \(argument.debugDescription)")
  }
  let mkfsAgain = try mustSucceed("mkfs options again") {
    try MkfsOptions(parsing: mkfs.joined(separator: " "), for: options.fileSystemToMake)
  }
  try hold(mkfsAgain.arguments == mkfs, "mkfs options \(mkfs) become \(mkfsAgain.arguments)")
}

extension FuzzTarget {
  /// Paths from kubelet: what is accepted leads to one directory below its root and nowhere else.
  static let targetPath = FuzzTarget("target-path", maximumLength: 256) { bytes throws(Violation) in
    let text = String(decoding: bytes, as: UTF8.self)
    for root in ["/var/lib/kubelet", "/k/"] {
      let path: FlexPath
      do throws(VolumeError) {
        path = try FlexPath(text, kubeletRoot: root)
      } catch {
        try hold(error.code == .invalid, "refused as \(error.code)")
        try holdOneLine(error.message)
        continue
      }
      let components = path.components
      try hold(components.allSatisfy { SafePath.isPlain($0) && $0.isVisibleASCII }, "components \(components)")
      let joined = (root.hasSuffix("/") ? String(root.dropLast()) : root) + "/" + components.joined(separator: "/")
      try hold(joined.isSame(text), "\(text) is taken for \(joined)")
      try hold(components.last == path.volume.text, "volume \(path.volume)")
    }
  }
}
