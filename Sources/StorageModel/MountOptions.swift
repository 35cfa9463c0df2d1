/// The `mountOptions` of a volume: an allow-list, because the mount happens on the host with all privileges.
///
/// `dev` and `suid` are not allowed. Pods write to the volume, and a device node or set-uid file in it would let them
/// escape.
package struct MountOptions: Hashable, Sendable {
  /// Options as given, in order, each on the allow-list.
  package let options: [String]

  package static let none = MountOptions(checked: [])

  private init(checked options: [String]) { self.options = options }

  /// Parses a comma-separated list.
  ///
  /// - Throws: ``VolumeError/Code/invalid`` with the name of the option that is not allowed. The value after `=` is not
  ///   shown.
  package init(parsing text: String) throws(VolumeError) {
    var options: [String] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let option = String(part)
      if Self.neutral.contains(option) { continue }
      guard Self.isAllowed(option) else {
        let name = option.split(separator: "=", maxSplits: 1).first ?? ""
        throw VolumeError(
          .invalid,
          "mountOptions: \(quoted(name)) is not an allowed option, or its value is not; allowed are \(Self.summary)")
      }
      options.append(option)
    }
    self.init(checked: options)
  }

  /// These options for a file system that may have the UUID of another one, as the clone of an XFS has that of its origin
  /// (xfs(5), `nouuid`).
  package func sharingUUID(as kind: FileSystemKind) -> MountOptions {
    kind == .xfs ? MountOptions(checked: options + ["nouuid"]) : self
  }

  /// Words of fstab(5) that ask for the default; many storage classes have them. The claim's access mode decides
  /// whether a pod may write.
  private static let neutral: Set<String> = ["defaults", "rw"]

  /// Options the kernel takes as flags of mount(2) rather than as data.
  package enum Flag: String, Sendable, CaseIterable {
    case noatime, nodiratime, relatime, strictatime, lazytime, noexec, sync, dirsync, nodev, nosuid
  }

  private static let flags = Set(Flag.allCases.map(\.rawValue))

  /// Options without a value that a file system takes as mount data (ext4(5), xfs(5), btrfs(5)).
  private static let words: Set<String> = [
    "discard", "nodiscard", "barrier", "nobarrier", "journal_checksum", "delalloc", "nodelalloc", "inode64", "largeio",
    "nolargeio", "swalloc", "wsync", "noquota", "ssd", "nossd", "autodefrag", "noautodefrag", "nodatacow", "nodatasum",
  ]

  private static let valued: [String: @Sendable (Substring) -> Bool] = [
    "data": { ["ordered", "journal", "writeback"].contains($0) },
    "errors": { ["remount-ro", "continue"].contains($0) },
    "commit": isNumber, "stripe": isNumber, "inode_readahead_blks": isNumber, "logbufs": isNumber,
    "logbsize": isSize, "allocsize": isSize, "max_inline": isSize,
    "compress": isCompression, "compress-force": isCompression,
    "discard": { ["async", "sync"].contains($0) },
    "space_cache": { $0 == "v2" },
  ]

  /// The allowed options, for an error message.
  package static var summary: String {
    (flags.union(words).union(neutral).sorted() + valued.keys.sorted().map { $0 + "=" }).joined(separator: " ")
  }

  private static func isAllowed(_ option: String) -> Bool {
    guard isVisibleASCII(option) else { return false }
    guard let equals = option.firstIndex(of: "=") else { return flags.contains(option) || words.contains(option) }
    let value = option[option.index(after: equals)...]
    return valued[String(option[..<equals])]?(value) ?? false
  }
}

@Sendable private func isNumber(_ text: Substring) -> Bool {
  (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}

@Sendable private func isSize(_ text: Substring) -> Bool {
  guard let last = text.last else { return false }
  return isNumber("kKmMgG".contains(last) ? text.dropLast() : text)
}

@Sendable private func isCompression(_ text: Substring) -> Bool {
  let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
  guard let name = parts.first, ["zlib", "lzo", "zstd", "no", "none"].contains(name) else { return false }
  return parts.count == 1 || (name != "lzo" && isNumber(parts[1]))
}
