package import LinuxSystem
package import StorageModel

/// A volume as an engine has found it.
package struct StoredVolume: Sendable, Hashable {
  /// What to mount.
  package enum Location: Sendable, Hashable {
    /// A block device. Its node exists only while ``StoredVolume/isActive``.
    case device(String)
    /// A directory, to bind mount.
    case directory(String)
  }

  /// The owner of a volume. Only volumes of ours are formatted, resized or removed.
  package enum Ownership: Sendable, Hashable {
    case ours(Marks)
    /// Not ours. `adoptable` if it is a plain volume that the Go program may have created. Otherwise `kind` says what
    /// it is (a snapshot, a thin pool, …).
    case foreign(adoptable: Bool, kind: String)
  }

  /// Our marks on a volume of ours.
  package struct Marks: Sendable, Hashable {
    package var claim: ClaimUID?
    /// Nil on an adopted volume, which can never be formatted.
    package var creation: CreationToken?
    package var isRetained: Bool
    /// The instance of the volume that this one is a clone of; nil for a volume that was created empty. The origin may be
    /// gone by now.
    package var origin: String?

    package init(claim: ClaimUID?, creation: CreationToken?, isRetained: Bool = false, origin: String? = nil) {
      self.claim = claim
      self.creation = creation
      self.isRetained = isRetained
      self.origin = origin
    }
  }

  package var name: VolumeName
  /// Distinguishes this volume from all others that ever have its name: the LV's UUID, or the creation token.
  package var instance: String
  package var location: Location
  package var size: ByteCount
  package var group: String
  package var ownership: Ownership
  /// Whether it takes space of a thin pool instead of the group itself.
  package var isThin: Bool
  package var isActive: Bool
  package var createdAt: Timestamp?

  package init(
    name: VolumeName, instance: String, location: Location, size: ByteCount, group: String, ownership: Ownership,
    isActive: Bool, createdAt: Timestamp?, isThin: Bool = false
  ) {
    self.name = name
    self.instance = instance
    self.location = location
    self.size = size
    self.group = group
    self.ownership = ownership
    self.isThin = isThin
    self.isActive = isActive
    self.createdAt = createdAt
  }

  /// Our marks; nil on a foreign volume.
  package var marks: Marks? {
    if case .ours(let marks) = ownership { return marks }
    return nil
  }

  /// The error for the removal of a retained volume.
  package static func retained(_ name: VolumeName) -> VolumeError {
    VolumeError(
      .unsafe,
      "volume \(name) is marked as retained and is kept; clear the mark first (elastic-local-node unretain \(name))")
  }

  /// - Throws: `unsafe` if the volume is not ours.
  package func requireOurs(to activity: String) throws(VolumeError) -> Marks {
    if let marks { return marks }
    throw VolumeError(
      .unsafe,
      "volume \(name) in \(group) does not carry our tag, so it is not ours to \(activity); nothing was changed")
  }
}

/// A random word that ties a volume to its format permit.
///
/// It is written to the permit before the volume is created, and to the volume at its creation. So a permit never
/// applies to another volume, even one of the same name.
package struct CreationToken: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// Nil unless the text is 8 to 64 lowercase letters and digits.
  package init?(_ text: some StringProtocol) {
    let isWord = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
    guard (8...64).contains(text.utf8.count), isWord else { return nil }
    self.text = String(text)
  }

  /// A new token of 80 random bits.
  package init(using generator: inout some RandomNumberGenerator) {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    text = String((0..<16).map { _ in alphabet[Int(generator.next() & 31)] })
  }

  package var description: String { text }

  /// The UUID and label of the file system that is created under this token. They distinguish it from any earlier one
  /// on the device.
  package var fileSystemIdentity: FileSystemIdentity {
    FileSystemIdentity(uuid: fileSystemUUID, label: "elastic-local-\(text)")
  }

  /// The bytes of the first 16 characters as a UUID of version 8, which no standard generates (RFC 9562).
  private var fileSystemUUID: String {
    var bytes = Array(text.utf8.prefix(16))
    bytes += Array(repeating: 0, count: 16 - bytes.count)
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let ends = [8, 12, 16, 20, 32]
    return zip([0] + ends, ends).map { digits.dropFirst($0).prefix($1 - $0) }.joined(separator: "-")
  }
}
