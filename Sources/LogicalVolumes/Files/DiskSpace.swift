internal import LinuxSystem
internal import StorageModel

/// How much of a disk may be promised to volumes that are files on it.
///
/// The calculation is that of a volume group: the size, less the space that others use, less the space that is promised
/// already. Images are sparse, so the promised size counts in full, and not the space written so far.
struct DiskSpace: Sendable {
  let total: ByteCount
  let foreign: ByteCount
  let promised: ByteCount

  var free: ByteCount { total - foreign - promised }

  /// - Parameter written: bytes that volumes of ours occupy on the disk at present.
  init(of directory: String, promised: ByteCount, written: ByteCount) throws(VolumeError) {
    let space = try reporting("reading the free space of", directory) { () throws(SystemError) in
      try Files.space(at: directory)
    }
    total = space.capacity
    foreign = space.capacity - space.available - written
    self.promised = promised
  }
}
