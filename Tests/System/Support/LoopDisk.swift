import LinuxSystem

/// A disk that can be taken out and put back: a loop device on an image in memory.
final class LoopDisk {
  let image: String
  private(set) var device: String

  init(mebibytes: Int = 128) throws {
    image = Scratch.fresh("disk")
    try run("truncate", "-s", "\(mebibytes)M", image)
    device = try LoopDevice.attach(image: image)
  }

  /// A disk with what is on another one, bit by bit.
  init(copyOf other: LoopDisk) throws {
    image = Scratch.fresh("disk")
    try run("blockdev", "--flushbufs", other.device)
    try run("cp", "--sparse=always", other.image, image)
    device = try LoopDevice.attach(image: image)
  }

  func takeOut() throws { try LoopDevice.detach(device) }

  func putBack() throws { device = try LoopDevice.attach(image: image) }

  func destroy() throws {
    if Files.exists(image) {
      try takeOut()
      try Files.removeDurably(image)
    }
  }
}
