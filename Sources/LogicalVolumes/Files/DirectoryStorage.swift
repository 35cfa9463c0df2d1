internal import LinuxSystem
internal import StorageModel

/// Volumes as plain directories. Their sizes are booked, but not enforced.
struct DirectoryStorage: RecordedStorage {
  static let kind = EngineKind.directory
  static let unit = ByteCount(1)
  static let noun = "directory"

  private let directory: String

  init(directory: String) { self.directory = directory }

  private func path(of name: VolumeName) -> String { "\(directory)/volumes/\(name)" }

  private static let doomedPrefix = "removing-"

  private func doomed(_ name: VolumeName, _ instance: String) -> String {
    "\(directory)/\(Self.doomedPrefix)\(name)-\(instance)"
  }

  func prepare() throws(VolumeError) {
    let names = try reporting("preparing", directory) { () throws(SystemError) in
      try Files.makeDirectories(directory + "/volumes", mode: 0o700)
      return try Files.list(directory)
    }
    for name in names where name.hasPrefix(Self.doomedPrefix) { try removeTree("\(directory)/\(name)") }
  }

  func isPresent(_ name: VolumeName) throws(VolumeError) -> Bool {
    let path = path(of: name)
    return try reporting("checking", path) { () throws(SystemError) in try Files.kind(of: path) } == .directory
  }

  func size(of name: VolumeName, recorded: ByteCount) -> ByteCount { recorded }

  /// The disk usage of a directory cannot be told from other usage without walking it. So it counts twice, as promised
  /// and as foreign: a full disk refuses early rather than late.
  func written(by name: VolumeName) -> ByteCount { .zero }

  func location(of name: VolumeName) -> (location: StoredVolume.Location, isActive: Bool) {
    (.directory(path(of: name)), true)
  }

  func make(_ name: VolumeName, size: ByteCount) throws(VolumeError) {
    let path = path(of: name)
    // Like a new ext4's root directory. The pod's fsGroup or its init container decides who may write.
    try reporting("creating", path) { () throws(SystemError) in try Files.makeDirectory(path, mode: 0o755) }
  }

  func grow(_ name: VolumeName, to size: ByteCount) {}
  func activate(_ name: VolumeName) {}
  func detach(_ name: VolumeName) {}

  func putAway(_ name: VolumeName, instance: String) throws(VolumeError) {
    let path = path(of: name)
    let target = doomed(name, instance)
    try reporting("moving away", path) { () throws(SystemError) in try Files.rename(path, to: target) }
  }

  func discard(_ name: VolumeName, instance: String) throws(VolumeError) { try removeTree(doomed(name, instance)) }

  private func removeTree(_ path: String) throws(VolumeError) {
    try reporting("removing", path) { () throws(SystemError) in try Files.removeTree(path) }
  }
}
