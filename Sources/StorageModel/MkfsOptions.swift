/// The `mkfsOptions` of a volume: an allow-list of `mkfs` switches per file system. These switches change the layout of
/// the file system, never which device or file is written.
package struct MkfsOptions: Hashable, Sendable {
  /// The arguments for mkfs, one word each. No shell is involved.
  package let arguments: [String]

  package static let none = MkfsOptions(checked: [])

  private init(checked arguments: [String]) { self.arguments = arguments }

  /// Parses words separated by spaces. A switch and its value are two words (`-b 4096 -m 1`).
  ///
  /// - Throws: ``VolumeError/Code/invalid`` with the switch's name.
  package init(parsing text: String, for kind: FileSystemKind) throws(VolumeError) {
    let words = text.split(separator: " ").map(String.init)
    let allowed = Self.allowed(for: kind)
    var index = 0
    while index < words.count {
      let word = words[index]
      guard isVisibleASCII(word), let rule = allowed[word] else {
        throw VolumeError(
          .invalid,
          "mkfsOptions: \(quoted(word)) is not an allowed switch of mkfs.\(kind.rawValue); allowed are "
            + allowed.keys.sorted().joined(separator: " "))
      }
      index += 1
      guard let check = rule.value else { continue }
      let found = index < words.count ? words[index] : ""
      let place = "mkfsOptions: \(word) of mkfs.\(kind.rawValue)"
      guard !found.isEmpty, isVisibleASCII(found) else { throw VolumeError(.invalid, "\(place) has no value") }
      switch check(found) {
      case nil: index += 1
      case .value?: throw VolumeError(.invalid, "\(place) has a value that is not allowed")
      case .key(let key, let names)?:
        throw VolumeError(
          .invalid,
          "\(place): \(key.map { quoted($0) } ?? "a key") is not allowed; allowed are "
            + names.sorted().joined(separator: " "))
      case .keyValue(let key)?:
        throw VolumeError(.invalid, "\(place): the value of \(key) is not allowed, a number is expected")
      }
    }
    self.init(checked: words)
  }

  /// What is wrong with a switch's value. Never contains the value.
  private enum Objection {
    case value
    /// Nil when the text in the key's position may be anything, even a secret.
    case key(String?, allowed: Set<String>)
    case keyValue(String)
  }

  private typealias Check = @Sendable (String) -> Objection?

  private struct Rule: Sendable {
    let value: Check?

    init(value: Check?) { self.value = value }

    init(value isValid: @escaping @Sendable (String) -> Bool) { value = { isValid($0) ? nil : .value } }
  }

  private static func allowed(for kind: FileSystemKind) -> [String: Rule] {
    switch kind {
    case .ext4:
      [
        "-b": Rule(value: number), "-i": Rule(value: number), "-I": Rule(value: number), "-N": Rule(value: number),
        "-m": Rule(value: percentage), "-O": Rule(value: features), "-T": Rule(value: word),
        "-E": Rule(
          value: keys([
            "lazy_itable_init", "lazy_journal_init", "discard", "nodiscard", "stride", "stripe_width", "stripe-width",
            "packed_meta_blocks", "num_backup_sb",
          ])),
      ]
    case .xfs:
      [
        "-K": Rule(value: nil), "-b": Rule(value: keys(["size"])), "-s": Rule(value: keys(["size"])),
        "-d": Rule(value: keys(["su", "sw", "sunit", "swidth", "agcount", "agsize"])),
        "-i": Rule(value: keys(["size", "maxpct", "sparse", "nrext64", "exchange"])),
        "-l": Rule(value: keys(["size", "su", "lazy-count"])),
        "-m": Rule(
          value: keys(["crc", "finobt", "rmapbt", "reflink", "bigtime", "inobtcount", "metadir", "autofsck"])),
        "-n": Rule(value: keys(["size", "ftype", "parent"])),
      ]
    case .btrfs:
      [
        "-K": Rule(value: nil), "--mixed": Rule(value: nil), "-n": Rule(value: size), "-s": Rule(value: size),
        "-O": Rule(value: features), "-m": Rule(value: profile), "-d": Rule(value: profile),
        "--csum": Rule(value: word), "--checksum": Rule(value: word),
      ]
    }
  }

  private static let number: @Sendable (String) -> Bool = { text in
    (1...12).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
  /// mke2fs(8) accepts a fraction as the percentage of reserved blocks.
  private static let percentage: @Sendable (String) -> Bool = { text in
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return parts.allSatisfy(number)
  }
  private static let size: @Sendable (String) -> Bool = { text in
    guard let last = text.last else { return false }
    return number("kKmMgG".contains(last) ? String(text.dropLast()) : text)
  }
  private static let word: @Sendable (String) -> Bool = { text in
    (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D }
      && !text.hasPrefix("-")
  }
  private static let profile: @Sendable (String) -> Bool = { ["single", "dup"].contains($0) }

  /// Comma-separated feature names. A `^` in front switches a feature off.
  private static let features: @Sendable (String) -> Bool = { text in
    text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy {
      word(String($0.hasPrefix("^") ? $0.dropFirst() : $0))
    }
  }

  private static func keys(_ names: Set<String>) -> Check {
    { text in
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard names.contains(String(pair[0])) else {
          let isPlain = pair.count == 2 && size(String(pair[1])) && word(String(pair[0]))
          return .key(isPlain ? String(pair[0]) : nil, allowed: names)
        }
        guard pair.count == 1 || size(String(pair[1])) else { return .keyValue(String(pair[0])) }
      }
      return nil
    }
  }
}
