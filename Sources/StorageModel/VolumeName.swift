/// The name of a volume: the PV's name, and the logical volume's.
///
/// The name becomes part of LVM command lines and paths. It is checked once, here, and passed as this type from then
/// on.
package struct VolumeName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let text: String

  /// Longest name. LVM's `NAME_LEN` is 128 with the terminating zero (lvm2 `lib/metadata/metadata-exported.h`), and
  /// suffixes such as `_tdata` must still fit.
  package static let maximumLength = 112

  /// - Throws: ``VolumeError/Code/invalid`` with the reason.
  package init(_ text: String) throws(VolumeError) {
    if let reason = Self.objection(to: text) {
      throw VolumeError(.invalid, "volume name \(quoted(text)) \(reason)")
    }
    self.text = text
  }

  package var description: String { text }
  package static func < (left: VolumeName, right: VolumeName) -> Bool { left.text < right.text }

  /// Prefixes and infixes that LVM reserves (lvm2 `lib/misc/lvm-string.c`, `apply_lvname_restrictions`).
  private static let reservedPrefixes = ["snapshot", "pvmove"]
  private static let reservedInfixes = [
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_wcorig", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage",
    "_rmeta", "_imeta", "_tdata", "_tmeta", "_vdata", "_vorigin",
  ]

  private static func objection(to text: String) -> String? {
    if text.isEmpty { return "is empty" }
    if text.utf8.count > maximumLength {
      return "has \(text.utf8.count) characters, LVM names hold at most \(maximumLength)"
    }
    if let first = text.utf8.first, !isAlphanumeric(first) { return "must begin with a letter or a digit" }
    if !text.utf8.allSatisfy(isNameCharacter) { return "may hold only letters, digits and . _ + -" }
    if let prefix = reservedPrefixes.first(where: text.hasPrefix) { return "begins with \(prefix), which LVM reserves" }
    if let infix = reservedInfixes.first(where: { contains(text, $0) }) { return "holds \(infix), which LVM reserves" }
    return nil
  }

  private static func contains(_ text: String, _ part: String) -> Bool {
    let haystack = Array(text.utf8)
    let needle = Array(part.utf8)
    guard haystack.count >= needle.count else { return false }
    return (0...(haystack.count - needle.count)).contains { haystack[$0..<($0 + needle.count)].elementsEqual(needle) }
  }
}

/// The name of a volume group.
package struct VolumeGroupName: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let text: String

  /// - Throws: ``VolumeError/Code/invalid``.
  package init(_ text: String) throws(VolumeError) {
    guard isPlainName(text, maximumLength: 112) else {
      throw VolumeError(
        .invalid, "volume group name \(quoted(text)) is not one: letters, digits and . _ + -, at most 112 of them")
    }
    self.text = text
  }

  package var description: String { text }
  package static func < (left: VolumeGroupName, right: VolumeGroupName) -> Bool { left.text < right.text }
}

/// The UID of the claim that a volume was created for: lowercase hexadecimal digits and hyphens (RFC 4122 text).
package struct ClaimUID: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// Nil when the text is not a UUID.
  package init?(_ text: some StringProtocol) {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12],
      groups.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) } })
    else { return nil }
    self.text = String(text)
  }

  /// The claim of a dynamically provisioned volume, whose PV is named `pvc-<claim uid>`; nil for any other name.
  package init?(provisioned name: VolumeName) {
    guard name.text.hasPrefix("pvc-") else { return nil }
    self.init(name.text.dropFirst(4))
  }

  package var description: String { text }
}

/// The UID of a pod, which is also the name of the pod's directory. A static pod has a hash in place of a UUID.
package struct PodUID: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// - Throws: ``VolumeError/Code/invalid``.
  package init(_ text: String) throws(VolumeError) {
    guard isPlainName(text, maximumLength: 253) else {
      throw VolumeError(.invalid, "\(quoted(text)) is not a pod UID")
    }
    self.text = text
  }

  package var description: String { text }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
  (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
}

func isNameCharacter(_ byte: UInt8) -> Bool {
  isAlphanumeric(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2B || byte == 0x2D
}

/// Whether the text is a plain name: not empty, only characters that LVM allows, beginning with a letter or digit (so
/// never an option, `.` or `..`).
func isPlainName(_ text: String, maximumLength: Int) -> Bool {
  guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= maximumLength else { return false }
  return text.utf8.allSatisfy(isNameCharacter)
}
