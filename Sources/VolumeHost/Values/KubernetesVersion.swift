/// The release whose kubelet and controller-manager are played: 1.6 to 1.36, by its minor number.
///
/// The rules that differ are properties, each with its reason, so that no other place compares numbers.
public struct KubernetesVersion: Hashable, Comparable, Sendable {
  /// The second number: 20 for 1.20.
  public let minor: Int

  /// The releases that are known: FlexVolume has had its present calls since 1.6.
  public static let known = 6...36
  /// The newest release that is known.
  public static let newest = KubernetesVersion(minor: 36)

  private init(minor: Int) { self.minor = minor }

  /// `1.20`, `v1.20` or `1.20.2`; nil for anything else and for releases outside `known`.
  public init?(_ text: String) {
    let parts = text.drop { $0 == "v" }.split(separator: ".", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), parts[0] == "1", parts.allSatisfy(Self.isNumber) else { return nil }
    guard let minor = Int(parts[1]), Self.known.contains(minor) else { return nil }
    self.minor = minor
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// The older release is less.
  public static func < (left: KubernetesVersion, right: KubernetesVersion) -> Bool { left.minor < right.minor }
}

extension KubernetesVersion: CustomStringConvertible {
  /// `1.20`.
  public var description: String { "1.\(minor)" }
}

// What a driver is sent.
extension KubernetesVersion {
  /// Until 1.8 `isattached` was given the node before the options.
  var isAttachedNamesNodeFirst: Bool { minor <= 8 }
  /// `waitfordetach` was removed after 1.8.
  var waitsForDetach: Bool { minor <= 8 }
  /// Pod name, namespace, UID and service account came with 1.9.
  var tellsPod: Bool { minor >= 9 }
  /// Renamed in 1.15, by accident, when the mounter's arguments became a structure.
  var groupKey: String { minor >= 15 ? "kubernetes.io/mounterArgs.FsGroup" : "kubernetes.io/fsGroup" }
  /// `expandvolume` was sent by the kubelet from the day there was expansion until the controller got a stand-in for it.
  var kubeletExpandsVolume: Bool { (13...15).contains(minor) }
  /// Go writes `\b` and `\f` since 1.22, which built 1.30; before that `\u0008` and `\u000c`.
  var writesShortControlEscapes: Bool { minor >= 30 }
}

// What it is understood to say.
extension KubernetesVersion {
  /// `attach: false` came with 1.8; before that every driver was attachable.
  var knowsAttachCapability: Bool { minor >= 8 }
  /// `selinuxRelabel` came with 1.9.
  var knowsRelabelCapability: Bool { minor >= 9 }
  /// `fsGroup`, `supportsMetrics` and `requiresFSResize` came with 1.13, and so did expansion.
  var knowsExpansion: Bool { minor >= 13 }
}

// What happens around the calls.
extension KubernetesVersion {
  /// From 1.7 to 1.15 plugins were registered as `flexvolume-<driver>`, a name that no directory has: what such a kubelet
  /// finds on disk after a restart it can not match with a plugin.
  var pluginNamePrefix: String { (7...15).contains(minor) ? "flexvolume-" : "" }
  /// The directory of a mount that failed is removed since 1.9.
  var removesDirectoryOfFailedMount: Bool { minor >= 9 }
  /// Bind mounts of one file system are recognised once the kernel is asked for mount roots, and a mount whose server has
  /// died then counts as a mount too. Seen with 1.36, not with 1.20; the release between is 1.27, when reconstruction
  /// changed as well.
  var recognisesBindMounts: Bool { minor >= 27 }
  /// Since 1.27 everything found on disk is taken up first, as uncertain, and compared with the pods afterwards.
  var reconstructsFirst: Bool { minor >= 27 }
  /// Empty volume directories of pods that are gone are removed since 1.21.
  var removesDanglingDirectories: Bool { minor >= 21 }
  /// A kubelet that does not find its volume attached backs off; seen with 1.20, not with 1.36.
  var backsOffWaitingForAttachment: Bool { minor < 27 }
  /// Two pods whose inline volumes have one name and different contents: the second waits. Seen with 1.36, not with 1.20.
  var separatesInlineNamesakes: Bool { minor >= 27 }
  /// One broken driver hid the good ones found in the same round, until about 1.22.
  var keepsGoodProbeResults: Bool { minor >= 22 }
  /// A volume that could not be mounted yet stays wanted until its pod is gone from the API, also when the pod's containers
  /// have ended. Seen with 1.20, not with 1.36.
  var wantsVolumesOfEndedPods: Bool { minor < 27 }
  /// Seen with 1.36, not with 1.20: messages begin with a small letter.
  var beginsMessagesSmall: Bool { minor >= 27 }
  /// Symbolic links get the group since 1.22; before that they were skipped.
  var ownsSymbolicLinks: Bool { minor >= 22 }
  /// The longest pause between two attempts.
  var longestPause: Duration { minor >= 9 ? .seconds(122) : .seconds(120) }
}
