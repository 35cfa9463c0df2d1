extension MountEntry {
  /// Creates an entry for simulated mount tables.
  package init(
    id: Int, parentID: Int, device: DeviceNumber, root: String, mountPoint: String, options: [String],
    fileSystemType: String, source: String
  ) {
    self.id = id
    self.parentID = parentID
    self.device = device
    self.root = root
    isRootDeleted = false
    self.mountPoint = mountPoint
    isDeleted = false
    self.options = options
    peerGroup = 1
    masterGroup = nil
    self.fileSystemType = fileSystemType
    self.source = source
    superOptions = []
  }
}
