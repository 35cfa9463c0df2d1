internal import CLinux
internal import Glibc
internal import Synchronization

/// Loop devices, loop(4): block devices backed by image files. Every function blocks until the file system below
/// answers.
package enum LoopDevice {
  /// Serializes attaching within this process, so that two callers with one image get one device.
  private static let attaching = Mutex(())

  /// Returns a loop device for the image, as `/dev/loopN`: the existing one, or a new one. The device stays until
  /// `detach`, also after this process ends.
  ///
  /// With `directIO`, a new device bypasses the host's page cache if the file system below allows it.
  ///
  /// - Throws: `EBUSY` if others took every free device in 64 attempts; otherwise the error of open(2), ioctl(2) or
  ///   mknod(2).
  package static func attach(image: String, directIO: Bool = false) throws(SystemError) -> String {
    try attaching.withLock { _ throws(SystemError) in
      if let device = try find(image: image) { return device }
      return try make(image: image, directIO: directIO)
    }
  }

  /// Returns the loop device of a whole image. Nil if there is none.
  ///
  /// Compares device and inode of the file. So the image may have another name, also in another mount namespace.
  ///
  /// - Throws: the error of stat(2) on the image, of open(2) on a device, or of mknod(2).
  package static func find(image: String) throws(SystemError) -> String? {
    var file = stat()
    try retryingInterrupts("stat", image) { stat(image, &file) }
    for device in try attachedDevices() where try isOn(file, image, device) {
      // The node is missing without udev, or if it was removed.
      return try ensureNode(Int32(device.dropFirst("/dev/loop".count)) ?? 0)
    }
    return nil
  }

  /// Detaches a loop device, `LOOP_CLR_FD`. Succeeds if it is detached already or gone. Returns at once while the
  /// device is open or mounted; Linux then detaches it after the last user.
  ///
  /// - Throws: the error of open(2) or ioctl(2).
  package static func detach(_ device: String) throws(SystemError) {
    do throws(SystemError) {
      let loop = try Descriptor.open(device, O_RDONLY)
      let number = loop.rawValue
      try retryingInterrupts("detach", device) { clinux_loop_clear(number) }
    } catch {
      guard error.errno == .noSuchDevice || error.errno == .noEntry else { throw error }
    }
  }

  /// Sets the size of a loop device to the present size of its file, `LOOP_SET_CAPACITY`.
  ///
  /// - Throws: the error of open(2) or ioctl(2).
  package static func refreshSize(_ device: String) throws(SystemError) {
    let loop = try Descriptor.open(device, O_RDWR)
    let number = loop.rawValue
    try retryingInterrupts("refresh size of", device) { clinux_loop_set_capacity(number) }
  }

  /// Returns all attached loop devices and their backing files, sorted by number. The file's name is the kernel's,
  /// without the suffix ` (deleted)`. It is empty if it cannot be read.
  ///
  /// - Throws: the error of listing /sys/block.
  package static func all() throws(SystemError) -> [(device: String, backingFile: String)] {
    try attachedDevices().map { ($0, backingFile(of: $0)) }
  }
}

extension LoopDevice {
  /// How many free devices to try while others take them.
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

  /// Returns false if another process took the device meanwhile.
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

  /// Returns the node of a loop device. Creates it if it is missing: a container's /dev does not show new devices.
  private static func ensureNode(_ index: Int32) throws(SystemError) -> String {
    let path = "/dev/loop\(index)"
    if Files.exists(path) { return path }
    // If sysfs does not show the number, the driver's own rule gives it.
    let text = (try? Files.readText("/sys/block/loop\(index)/dev"))?.split(separator: "\n").first ?? ""
    // The major number of loop devices is 7. The minor number is the index, unless the devices have partitions.
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
      // Without a node only the name can be compared. A device that went away has no name. An image that is gone is on
      // no device.
      guard error.errno == .noEntry || error.errno == .noSuchDevice else { throw error }
      return backingFile(of: device) == (try? Files.realPath(image))
    }
    var (deviceNumber, inode, offset, sizeLimit): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    guard clinux_loop_status(loop.rawValue, &deviceNumber, &inode, &offset, &sizeLimit) == 0 else { return false }
    return deviceNumber == UInt64(file.st_dev) && inode == UInt64(file.st_ino) && offset == 0 && sizeLimit == 0
  }

  private static func backingFile(of device: String) -> String {
    let name = Files.lastComponent(of: device)
    // A device that was detached meanwhile has no such file and no image.
    guard let text = try? Files.readText("/sys/block/\(name)/loop/backing_file") else { return "" }
    return withoutSuffix(withoutSuffix(text, "\n"), " (deleted)")
  }

  private static func withoutSuffix(_ text: String, _ suffix: String) -> String {
    text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text
  }
}
