internal import JSON
internal import LinuxSystem
internal import StorageModel

/// The UUIDs of the groups that this node has served, by name, in the state directory.
///
/// A name can later mean another group: a disk of a virtual machine is attached, or a lost group is created again. A
/// UUID cannot. All calls block for the disk.
struct GroupRecords: Sendable {
  let directory: String

  func path(of group: VolumeGroupName) -> String { "\(directory)/\(group).json" }

  /// The UUID of the group that was served under this name; nil if there was none.
  ///
  /// - Throws: `internal` for a file that is not a valid record.
  func uuid(of group: VolumeGroupName) throws(VolumeError) -> String? {
    let path = path(of: group)
    guard try reporting("looking for", path, { () throws(SystemError) in try Files.kind(of: path) }) != nil else {
      return nil
    }
    let bytes = try reporting("reading", path) { () throws(SystemError) in try Files.readAll(path) }
    if let uuid = Self.uuid(bytes) { return uuid }
    throw VolumeError(
      .internal,
      "\(path), which records the UUID of volume group \"\(group)\", is not valid. If vgs shows the right group, "
        + "remove that file")
  }

  /// Nil for bytes that are not a valid record.
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
