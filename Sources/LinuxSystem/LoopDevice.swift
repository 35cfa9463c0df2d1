internal import CLinux
internal import Glibc
internal import Synchronization

/// Loop devices, loop(4): block devices that stand on image files. Blocks for as long as the file system below does.
package enum LoopDevice {
  /// Serialises attaching within this process, so that two callers with one image get one device.
  private static let attaching = Mutex(())

  /// A loop device on the image, as `/dev/loopN`: the one that exists, or a new one.
  ///
  /// `directIO` asks a new device to pass the host's page cache by, where the file system below allows it. The device
  /// stays until `detach`, also when this process ends.
  package static func attach(image: String, directIO: Bool = false) throws(SystemError) -> String {
    try attaching.withLock { _ throws(SystemError) in
      if let device = try find(image: image) { return device }
      return try make(image: image, directIO: directIO)
    }
  }

  /// The loop device on the whole of an image; nil when there is none.
  ///
  /// Compares device and inode of the file, so another name for it, or another mount namespace's, does not matter.
  package static func find(image: String) throws(SystemError) -> String? {
    var file = stat()
    try retryingInterrupts("stat", image) { stat(image, &file) }
    for device in try attachedDevices() where try isOn(file, image, device) {
      // The node may be missing where udev does not make it, or somebody removed it.
      return try ensureNode(Int32(device.dropFirst("/dev/loop".count)) ?? 0)
    }
    return nil
  }

  /// Frees a loop device, `LOOP_CLR_FD`. Free already, or gone, is success. While somebody has it open or mounted,
  /// Linux frees it when the last user is gone, and this returns at once.
  package static func detach(_ device: String) throws(SystemError) {
    do throws(SystemError) {
      let loop = try Descriptor.open(device, O_RDONLY)
      let number = loop.rawValue
      try retryingInterrupts("detach", device) { clinux_loop_clear(number) }
    } catch {
      guard error.errno == .noSuchDevice || error.errno == .noEntry else { throw error }
    }
  }

  /// Makes a loop device as large as its file is now, `LOOP_SET_CAPACITY`.
  package static func refreshSize(_ device: String) throws(SystemError) {
    let loop = try Descriptor.open(device, O_RDWR)
    let number = loop.rawValue
    try retryingInterrupts("refresh size of", device) { clinux_loop_set_capacity(number) }
  }

  /// All loop devices in use and the files they stand on, sorted by number. The file's name is as the kernel shows it,
  /// without the suffix ` (deleted)`, and empty where it can not be read.
  package static func all() throws(SystemError) -> [(device: String, backingFile: String)] {
    try attachedDevices().map { ($0, backingFile(of: $0)) }
  }
}

extension LoopDevice {
  /// How often to look for a free device when others take them.
  private static let attemptLimit = 64

  private static func make(image: String, directIO: Bool) throws(SystemError) -> String {
    let file = try Descriptor.open(image, O_RDWR)
    let control = try Descriptor.open("/dev/loop-control", O_RDWR)
    let controlNumber = control.rawValue
    for _ in 0..<attemptLimit {
      let index = try retryingInterrupts("find free loop device for", image) { clinux_loop_get_free(controlNumber) }
      let device = try ensureNode(index)
      if try configure(device, file, image: image, directIO: directIO) { return device }
    }
    throw SystemError(operation: "attach loop device to", subject: image, errno: .busy)
  }

  /// False when somebody else has taken the device meanwhile.
  private static func configure(
    _ device: String, _ file: borrowing Descriptor, image: String, directIO: Bool
  ) throws(SystemError) -> Bool {
    let loop = try Descriptor.open(device, O_RDWR)
    let (loopNumber, fileNumber) = (loop.rawValue, file.rawValue)
    do throws(SystemError) {
      try retryingInterrupts("attach loop device to", image) {
        clinux_loop_configure(loopNumber, fileNumber, image, directIO ? 1 : 0)
      }
      return true
    } catch {
      guard error.errno == .busy else { throw error }
      return false
    }
  }

  /// The node of a loop device, made where it is missing: a container's /dev does not see new devices.
  private static func ensureNode(_ index: Int32) throws(SystemError) -> String {
    let path = "/dev/loop\(index)"
    if Files.exists(path) { return path }
    // Where sysfs does not say, the number is what it is by the driver's own rule.
    let text = (try? Files.readText("/sys/block/loop\(index)/dev"))?.split(separator: "\n").first ?? ""
    // 7 is the major number of loop devices, and the minor their index unless they have partitions.
    let number = DeviceNumber(text) ?? DeviceNumber(major: 7, minor: UInt32(index))
    do throws(SystemError) {
      try retryingInterrupts("make node", path) { mknod(path, S_IFBLK | 0o660, dev_t(number.rawDevice)) }
    } catch {
      guard error.errno == .exists else { throw error }
    }
    return path
  }

  private static func attachedDevices() throws(SystemError) -> [String] {
    let numbers = try Files.list("/sys/block").compactMap { name -> Int? in
      guard name.hasPrefix("loop"), Files.exists("/sys/block/\(name)/loop/backing_file") else { return nil }
      return Int(name.dropFirst(4))
    }
    return numbers.sorted().map { "/dev/loop\($0)" }
  }

  private static func isOn(_ file: stat, _ image: String, _ device: String) throws(SystemError) -> Bool {
    let loop: Descriptor
    do throws(SystemError) {
      loop = try Descriptor.open(device, O_RDONLY)
    } catch {
      // Without a node only the name is left to compare. A device that went away meanwhile has none, and an image that is
      // gone is on none.
      guard error.errno == .noEntry || error.errno == .noSuchDevice else { throw error }
      return backingFile(of: device) == (try? Files.realPath(image))
    }
    var (deviceNumber, inode, offset, sizeLimit): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    guard clinux_loop_status(loop.rawValue, &deviceNumber, &inode, &offset, &sizeLimit) == 0 else { return false }
    return deviceNumber == UInt64(file.st_dev) && inode == UInt64(file.st_ino) && offset == 0 && sizeLimit == 0
  }

  private static func backingFile(of device: String) -> String {
    let name = Files.lastComponent(of: device)
    // A device that was detached meanwhile has no such file, and is on no image.
    guard let text = try? Files.readText("/sys/block/\(name)/loop/backing_file") else { return "" }
    return withoutSuffix(withoutSuffix(text, "\n"), " (deleted)")
  }

  private static func withoutSuffix(_ text: String, _ suffix: String) -> String {
    text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text
  }
}
