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

  /// `1.20`, `v1.20` or `1.20.2`, each with or without what vendors put behind it, which is ignored: `1.20.2-gke.1`,
  /// `v1.20.2+k3s1`, `1.20+`. Nil for anything else and for releases outside `known`.
  public init?(_ text: String) {
    let parts = text.drop { $0 == "v" }.prefix { $0 != "-" && $0 != "+" }.split(
      separator: ".", omittingEmptySubsequences: false)
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
  /// Until about 1.8 `isattached` was given the node before the options.
  var isAttachedNamesNodeFirst: Bool { minor <= 8 }
  /// Pod name, namespace, UID and service account came with 1.9.
  var tellsPod: Bool { minor >= 9 }
  /// Renamed in 1.15, by accident, when the mounter's arguments became a structure.
  var groupKey: String { minor >= 15 ? "kubernetes.io/mounterArgs.FsGroup" : "kubernetes.io/fsGroup" }
  /// `expandvolume` was sent by the kubelet from the day there was expansion (1.13, kubernetes#67851) until the controller
  /// got a stand-in for it, about 1.15.
  var kubeletExpandsVolume: Bool { (13...15).contains(minor) }
  /// Go writes `\b` and `\f` since 1.22, which built 1.30; before that `\u0008` and `\u000c`.
  var writesShortControlEscapes: Bool { minor >= 30 }
}

// What it is understood to say.
extension KubernetesVersion {
  /// `attach: false` came with 1.8 (kubernetes#47503); before that every driver was attachable.
  var knowsAttachCapability: Bool { minor >= 8 }
  /// `selinuxRelabel` came with 1.9 (kubernetes#50843).
  var knowsRelabelCapability: Bool { minor >= 9 }
  /// `fsGroup`, `supportsMetrics` and `requiresFSResize` came with 1.13, and so did expansion.
  var knowsExpansion: Bool { minor >= 13 }
}

// What happens around the calls.
extension KubernetesVersion {
  /// From 1.7 to 1.15 plugins were registered as `flexvolume-<driver>`, a name that no directory has: what such a kubelet
  /// finds on disk after a restart it can not match with a plugin.
  var pluginNamePrefix: String { (7...15).contains(minor) ? "flexvolume-" : "" }
  /// The directory of a mount that failed is removed since about 1.9 (kubernetes#49383).
  var removesDirectoryOfFailedMount: Bool { minor >= 9 }
  /// Bind mounts of one file system are recognised since the kernel is asked for mount roots with statx, and a mount whose
  /// server has died then counts as a mount too: kubernetes#119968, made between 1.28 and 1.29. Seen with 1.36, not with
  /// 1.20.
  var recognisesBindMounts: Bool { minor >= 29 }
  /// Since 1.28 everything found on disk is taken up first, as uncertain, and compared with the pods afterwards: the
  /// feature gate NewVolumeManagerReconstruction. It was on in 1.27.0 and 1.27.1 too, and taken back (kubernetes#117752).
  var reconstructsFirst: Bool { minor >= 28 }
  /// Empty volume directories of pods that are gone are removed since 1.21 (kubernetes#95301); late patches of 1.18 to 1.20
  /// do it too, 1.20.2 does not.
  var removesDanglingDirectories: Bool { minor >= 21 }
  /// Whether a volume is attached is asked for once the node's status says that it is in use, since 1.24
  /// (kubernetes#106853). Before that the question was a failure till then, with back-off.
  var waitsForReportedUse: Bool { minor >= 24 }
  /// The check for the access mode ReadWriteOncePod, on by default since 1.27, looks at the PV of a volume that another pod
  /// of the node has mounted. An inline volume has none: the operation fails, with back-off, until the other pod's mount is
  /// gone. Seen with 1.36, not with 1.20.
  var stumblesOverSharedInlineVolumes: Bool { minor >= 27 }
  /// Kubelet and controller-manager look for drivers when they start, since 1.32 (kubernetes#128495). Before that the first
  /// search for any plugin did it: no driver is asked on a node that has no pod.
  var probesAtStart: Bool { minor >= 32 }
  /// One broken driver hid the good ones found in the same round, until 1.23: kubernetes#106703.
  var keepsGoodProbeResults: Bool { minor >= 24 }
  /// Messages begin with a small letter. Seen with 1.36, not with 1.20; the release between is not known.
  var beginsMessagesSmall: Bool { minor >= 27 }
  /// Symbolic links get the group since about 1.22 (kubernetes#94895); before that they were skipped.
  var ownsSymbolicLinks: Bool { minor >= 22 }
  /// The longest pause between two attempts: 2 min 2 s, in old releases 2 min. Since which one is not known, 1.9 is assumed.
  var longestPause: Duration { minor >= 9 ? .seconds(122) : .seconds(120) }
}
