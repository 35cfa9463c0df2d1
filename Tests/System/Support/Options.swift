import VolumeHost

/// What a PV of a test asks for.
struct Options: Sendable {
  var mebibytes: Int? = 64
  var fileSystem: String? = "ext4"
  /// What the pod's claim says.
  var isReadOnly = false
  /// The pod's `fsGroup`.
  var group: UInt32?
  /// The PV's size and its claim's, while they matter to the kubelet: it grows what is smaller.
  var capacity: Int64?
  var claim: Int64?
  var extra: [String: String] = [:]

  /// The PV, as the pod's claim uses it.
  func spec(_ volume: String) -> VolumeSpec {
    var options = extra
    options["sizeBytes"] = extra["sizeBytes"] ?? mebibytes.map { "\($0 << 20)" }
    let source = FlexSource(driver: Kubelet.driver.description, fsType: fileSystem ?? "", options: options)
    var sizes: VolumeSpec.Sizes?
    if let capacity, let claim { sizes = VolumeSpec.Sizes(volume: capacity, claim: claim) }
    return .persistent(volume, source, claimReadOnly: isReadOnly, sizes: sizes)
  }

  /// Room for the smallest volume that each file system's maker accepts.
  static func smallest(_ fileSystem: String) -> Options {
    Options(mebibytes: ["ext4": 64, "xfs": 320, "btrfs": 256][fileSystem] ?? 64, fileSystem: fileSystem)
  }
}
