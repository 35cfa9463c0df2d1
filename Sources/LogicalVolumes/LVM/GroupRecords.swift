internal import JSON
internal import LinuxSystem
internal import StorageModel

/// Which group each name stands for: the UUIDs of the groups that have been served, kept in the state directory.
///
/// A name can come to stand for another group: a disk of a guest's is attached, or a lost group is made anew. The UUID
/// cannot. Blocks on the disk.
struct GroupRecords: Sendable {
  let directory: String

  func path(of group: VolumeGroupName) -> String { "\(directory)/\(group).json" }

  /// The UUID of the group that was served under that name; nil when none was.
  ///
  /// - Throws: `internal` for a file that is no such record.
  func uuid(of group: VolumeGroupName) throws(VolumeError) -> String? {
    let path = path(of: group)
    guard try reporting("looking for", path, { () throws(SystemError) in try Files.kind(of: path) }) != nil else {
      return nil
    }
    let bytes = try reporting("reading", path) { () throws(SystemError) in try Files.readAll(path) }
    if let uuid = Self.uuid(bytes) { return uuid }
    throw VolumeError(
      .internal,
      "\(path), which says which volume group \"\(group)\" is meant, cannot be understood; if vgs shows the right group, "
        + "remove that file")
  }

  /// Nil for what is no such record.
  private static func uuid(_ bytes: [UInt8]) -> String? {
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: bytes)
      let members = try json.members()
      try json.end()
      return members?.last { $0.key == "uuid" }?.value
    } catch {
      return nil
    }
  }

  func write(_ uuid: String, of group: VolumeGroupName) throws(VolumeError) {
    do {
      try Files.makeDirectories(directory, mode: 0o700)
      try Files.writeDurably(JSONValue.members(["uuid": .string(uuid)]).encoded, to: path(of: group), mode: 0o600)
    } catch {
      throw VolumeError(.internal, "\(path(of: group)) cannot be written", cause: error)
    }
  }
}
