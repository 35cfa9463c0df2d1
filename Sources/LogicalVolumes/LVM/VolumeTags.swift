internal import StorageModel

/// The tags on our logical volumes. Only this type writes and parses them.
///
/// LVM allows letters, digits and `_ + . - / = ! : # &` in a tag, up to 1,024 of them (lvm(8), "TAGS").
enum VolumeTags {
  /// On every volume of ours. A volume without it is never changed.
  static let product = "elastic-local"
  static let retained = "elastic-local/retained"
  private static let volumePrefix = "elastic-local/volume="
  private static let claimPrefix = "elastic-local/claim="
  private static let creationPrefix = "elastic-local/creation="
  private static let originPrefix = "elastic-local/origin="

  /// - Parameter origin: the instance of a clone's origin.
  static func tags(
    volume: VolumeName, claim: ClaimUID?, creation: CreationToken?, origin: String? = nil
  ) -> [String] {
    var tags = [product, volumePrefix + volume.text]
    if let claim { tags.append(claimPrefix + claim.text) }
    if let creation { tags.append(creationPrefix + creation.text) }
    if let origin { tags.append(originPrefix + origin) }
    return tags
  }

  /// Our marks among a volume's tags; nil if the product's tag is missing. A mark with two different values does not
  /// count, because one of them was added by hand.
  static func marks(in tags: [Substring]) -> StoredVolume.Marks? {
    guard tags.contains(Substring(product)) else { return nil }
    return StoredVolume.Marks(
      claim: onlyValue(claimPrefix, in: tags).flatMap { ClaimUID($0) },
      creation: onlyValue(creationPrefix, in: tags).flatMap { CreationToken($0) },
      isRetained: tags.contains(Substring(retained)), origin: onlyValue(originPrefix, in: tags).map(String.init))
  }

  /// The name of a volume of ours at its creation.
  static func volumeName(in tags: [Substring]) -> Substring? {
    tags.contains(Substring(product)) ? value(volumePrefix, in: tags) : nil
  }

  private static func onlyValue(_ prefix: String, in tags: [Substring]) -> Substring? {
    let values = Set(values(prefix, in: tags))
    return values.count == 1 ? values.first : nil
  }

  private static func value(_ prefix: String, in tags: [Substring]) -> Substring? { values(prefix, in: tags).first }

  /// Compares bytes, not characters: Swift takes `=` and a following accent for one character.
  private static func values(_ prefix: String, in tags: [Substring]) -> [Substring] {
    tags.filter { $0.utf8.starts(with: prefix.utf8) }.map { Substring($0.utf8.dropFirst(prefix.utf8.count)) }
  }
}
