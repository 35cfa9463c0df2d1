/// A Kubernetes release from 1.6 to 1.36, by its minor number. It selects the behaviour of kubelet and
/// controller-manager.
///
/// The rules that differ between releases are properties with their reasons. No other code compares version numbers.
public struct KubernetesVersion: Hashable, Comparable, Sendable {
  /// The second number: 20 for 1.20.
  public let minor: Int

  /// The known releases. FlexVolume has its present calls since 1.6.
  public static let known = 6...36
  /// The newest known release.
  public static let newest = KubernetesVersion(minor: 36)

  private init(minor: Int) { self.minor = minor }

  /// Parses `1.20`, `v1.20` or `1.20.2`. Ignores a vendor's suffix: `1.20.2-gke.1`, `v1.20.2+k3s1`, `1.20+`. Nil for
  /// other text and for releases outside `known`.
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

  /// Returns whether the left release is older.
  public static func < (left: KubernetesVersion, right: KubernetesVersion) -> Bool { left.minor < right.minor }
}

extension KubernetesVersion: CustomStringConvertible {
  /// `1.20`.
  public var description: String { "1.\(minor)" }
}

// What a driver receives.
extension KubernetesVersion {
  /// Up to about 1.8 `isattached` has the node before the options.
  var isAttachedNamesNodeFirst: Bool { minor <= 8 }
  /// Since 1.9 `mount` receives the pod's name, namespace, UID and service account.
  var sendsPod: Bool { minor >= 9 }
  /// The key was renamed by accident in 1.15, when the mounter's arguments became a structure.
  var groupKey: String { minor >= 15 ? "kubernetes.io/mounterArgs.FsGroup" : "kubernetes.io/fsGroup" }
  /// The kubelet called `expandvolume` from the first release with expansion (1.13, kubernetes#67851) until the
  /// controller got a replacement for it, about 1.15.
  var kubeletExpandsVolume: Bool { (13...15).contains(minor) }
  /// Go writes `\b` and `\f` since 1.22, which built Kubernetes 1.30. Before that it wrote `\u0008` and `\u000c`.
  var writesShortControlEscapes: Bool { minor >= 30 }
}

// How a driver's answer is interpreted.
extension KubernetesVersion {
  /// `attach: false` exists since 1.8 (kubernetes#47503). Before that every driver was attachable.
  var knowsAttachCapability: Bool { minor >= 8 }
  /// `selinuxRelabel` exists since 1.9 (kubernetes#50843).
  var knowsRelabelCapability: Bool { minor >= 9 }
  /// `fsGroup`, `supportsMetrics`, `requiresFSResize` and expansion exist since 1.13.
  var knowsExpansion: Bool { minor >= 13 }
}

// What happens around the calls.
extension KubernetesVersion {
  /// From 1.7 to 1.15 plugins were registered as `flexvolume-<driver>`. No directory has that name, so after a restart
  /// such a kubelet cannot match what it finds on disk with a plugin.
  var pluginNamePrefix: String { (7...15).contains(minor) ? "flexvolume-" : "" }
  /// Since about 1.9 the directory of a failed mount is removed (kubernetes#49383).
  var removesDirectoryOfFailedMount: Bool { minor >= 9 }
  /// Since kubernetes#119968, between 1.28 and 1.29, statx reports mount roots. So bind mounts within one file system
  /// are recognised, and a mount whose server has died counts as a mount too. Observed with 1.36, not with 1.20.
  var recognisesBindMounts: Bool { minor >= 29 }
  /// Since 1.28 everything found on disk is first taken up as uncertain and then compared with the pods: feature gate
  /// NewVolumeManagerReconstruction. It was also on in 1.27.0 and 1.27.1, and reverted (kubernetes#117752).
  var reconstructsFirst: Bool { minor >= 28 }
  /// Since 1.21 empty volume directories of removed pods are removed (kubernetes#95301). Late patches of 1.18 to 1.20
  /// do it too; 1.20.2 does not.
  var removesDanglingDirectories: Bool { minor >= 21 }
  /// Since 1.24 the kubelet asks whether a volume is attached only after the node's status reports it in use
  /// (kubernetes#106853). Before that the question failed with back-off until then.
  var waitsForReportedUse: Bool { minor >= 24 }
  /// Since 1.27 the check for the access mode ReadWriteOncePod is on by default. It reads the PV of a volume that
  /// another pod of the node has mounted. An inline volume has no PV: the operation fails with back-off until the other
  /// pod's mount is gone. Observed with 1.36, not with 1.20.
  var stumblesOverSharedInlineVolumes: Bool { minor >= 27 }
  /// Since 1.32 kubelet and controller-manager look for drivers when they start (kubernetes#128495). Before that the
  /// first query for any plugin did it: a node without pods called no driver.
  var probesAtStart: Bool { minor >= 32 }
  /// Up to 1.23 one broken driver hid the good ones found in the same round: kubernetes#106703.
  var keepsGoodProbeResults: Bool { minor >= 24 }
  /// Messages begin with a lowercase letter. Observed with 1.36, not with 1.20; the first release between them is
  /// unknown.
  var beginsMessagesSmall: Bool { minor >= 27 }
  /// Since about 1.22 symbolic links get the group (kubernetes#94895). Before that they were skipped.
  var ownsSymbolicLinks: Bool { minor >= 22 }
  /// The longest pause between two attempts: 2 min 2 s, in old releases 2 min. The first release with the former is
  /// unknown; 1.9 is assumed.
  var longestPause: Duration { minor >= 9 ? .seconds(122) : .seconds(120) }
}
