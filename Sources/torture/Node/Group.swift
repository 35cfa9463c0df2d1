import LinuxSystem

/// The volume group, read and prepared with LVM's own programs.
struct Group: Sendable {
  static let name = "torture"
  static let pool = "pool"
  /// Foreign volumes that existed first: one with its owner's tag, and one with the name of a PV.
  static let foreign = ["database", "pvc-7f6b2f0e-5d0c-4f3e-9d36-00000000f0f0"]
  static let foreignTag = "somebody"
  /// The UUID of a volume that does not exist.
  static let otherInstance = "AbCdEf-0123-4567-89ab-cdef-GHIJ-KLmnop"
  /// The volume that a PV with the second one's name would request.
  static let foreignClaim = Operation.NewVolume(
    name: foreign[1], fileSystem: "ext4", isThin: false, attaches: false, mebibytes: 4)

  struct Volume: Codable, Hashable, Sendable {
    let name: String
    let bytes: UInt64
    let instance: String
    let tags: [String]

    var isOurs: Bool { tags.contains("elastic-local") }
  }

  /// Creates the group on an empty disk.
  static func make() async throws {
    try await Shell.run("vgcreate", "-q", "-q", "-y", "--metadatasize", "8m", name, Disk.physical)
    try await Shell.run(
      "lvcreate", "-q", "-q", "--type", "thin-pool", "--zero", "y", "-L", "1g", "-n", pool, name)
    for volume in foreign {
      try await Shell.run("lvcreate", "-q", "-q", "-y", "-L", "4m", "-n", volume, name)
      try BlockDeviceWriting.overwrite(device(volume), with: foreignContent(volume).make())
    }
    try await Shell.run("lvchange", "-q", "-q", "--addtag", foreignTag, "\(name)/\(foreign[0])")
  }

  /// Fills a foreign volume.
  static func foreignContent(_ volume: String) -> Content {
    Content(bytes: 4 << 20, seed: UInt64(volume.utf8.count))
  }

  static func activateForeign() async throws {
    try await Shell.run("lvchange", ["-q", "-q", "-ay"] + foreign.map { "\(name)/\($0)" })
  }

  static func device(_ volume: String) -> String {
    "/dev/mapper/" + DeviceMapper.name(group: name, volume: volume)
  }

  /// LVM's UUID of a volume, from the device mapper's. The latter is `LVM-`, the group's and the volume's UUID, with 32
  /// characters each, which LVM shows in groups of 6, 4, 4, 4, 4, 4 and 6.
  static func instance(inDevice uuid: String) -> String {
    var rest = uuid.suffix(32)
    return [6, 4, 4, 4, 4, 4, 6].map { count in
      defer { rest = rest.dropFirst(count) }
      return String(rest.prefix(count))
    }.joined(separator: "-")
  }

  static func volumes() async throws -> [Volume] {
    let text = try await Shell.run(
      "lvs", "--noheadings", "--separator", "|", "--units", "b", "--nosuffix", "-o", "lv_name,lv_size,lv_uuid,lv_tags",
      name)
    return text.split(separator: "\n").compactMap { line in
      let fields = line.drop { $0 == " " }.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 4, let bytes = UInt64(fields[1]) else { return nil }
      return Volume(
        name: fields[0], bytes: bytes, instance: fields[2], tags: fields[3].split(separator: ",").map(String.init))
    }
  }
}
