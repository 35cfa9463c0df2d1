internal import LinuxSystem
internal import StorageModel

/// How much of a disk may be promised to volumes that live on it as files.
///
/// The same sum as for a volume group: what is there, less what others use, less what is promised already. Images are
/// sparse, so what is promised counts in full, not what is written so far.
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
