internal import LinuxSystem
internal import StorageModel

/// Volumes as sparse image files on loop devices.
struct ImageStorage: RecordedStorage {
  static let kind = EngineKind.file
  /// Loop devices and all file systems can use a multiple of this size.
  static let unit = ByteCount.mebibytes(1)
  static let noun = "disk image"

  private let directory: String

  init(directory: String) { self.directory = directory }

  private func image(of name: VolumeName) -> String { "\(directory)/\(name).img" }

  func prepare() throws(VolumeError) {
    try reporting("preparing", directory) { () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
    }
    try detachUnusedLoops()
  }

  func isPresent(_ name: VolumeName) throws(VolumeError) -> Bool {
    let image = image(of: name)
    return try reporting("checking", image) { () throws(SystemError) in try Files.kind(of: image) } == .file
  }

  func size(of name: VolumeName, recorded: ByteCount) throws(VolumeError) -> ByteCount { try use(of: name).size }

  func written(by name: VolumeName) throws(VolumeError) -> ByteCount { try use(of: name).allocated }

  private func use(of name: VolumeName) throws(VolumeError) -> Files.Use {
    let image = image(of: name)
    return try reporting("reading the size of", image) { () throws(SystemError) in try Files.use(of: image) }
  }

  /// An error does not mean "no device": a volume in use must not look unused.
  func location(of name: VolumeName) throws(VolumeError) -> (location: StoredVolume.Location, isActive: Bool) {
    let image = image(of: name)
    let device = try reporting("looking for the loop device of", image) { () throws(SystemError) in
      try LoopDevice.find(image: image)
    }
    return (.device(device ?? ""), device != nil)
  }

  func make(_ name: VolumeName, size: ByteCount) throws(VolumeError) {
    let image = image(of: name)
    try reporting("creating", image) { () throws(SystemError) in
      try Files.makeSparse(image, size: size, mode: 0o600)
    }
  }

  /// Also updates the loop device if the image is long enough, because a crash may have come between the two steps.
  func grow(_ name: VolumeName, to size: ByteCount) throws(VolumeError) {
    let image = image(of: name)
    try reporting("growing", image) { () throws(SystemError) in
      try Files.growSparse(image, to: size)
      if let device = try LoopDevice.find(image: image) { try LoopDevice.refreshSize(device) }
    }
  }

  func activate(_ name: VolumeName) throws(VolumeError) {
    let image = image(of: name)
    try reporting("attaching a loop device to", image) { () throws(SystemError) in
      _ = try LoopDevice.attach(image: image)
    }
  }

  /// Detaches the loop device. If it is open or mounted, the kernel keeps it until its last user ends.
  func detach(_ name: VolumeName) throws(VolumeError) {
    let image = image(of: name)
    guard Files.exists(image) else { return }
    try reporting("detaching the loop device of", image) { () throws(SystemError) in
      if let device = try LoopDevice.find(image: image) { try LoopDevice.detach(device) }
    }
  }

  func putAway(_ name: VolumeName, instance: String) throws(VolumeError) {
    try detach(name)
    let image = image(of: name)
    try reporting("removing", image) { () throws(SystemError) in try Files.removeDurably(image) }
  }

  func discard(_ name: VolumeName, instance: String) {}

  /// Detaches loop devices that a crash has left. A loop device in use survives: see ``detach(_:)``.
  private func detachUnusedLoops() throws(VolumeError) {
    let loops = try reporting("listing loop devices of", directory) { () throws(SystemError) in try LoopDevice.all() }
    for loop in loops where loop.backingFile.hasPrefix(directory + "/") {
      try reporting("detaching", loop.device) { () throws(SystemError) in
        if try !BlockDevice.isHeldElsewhere(loop.device) { try LoopDevice.detach(loop.device) }
      }
    }
  }
}
