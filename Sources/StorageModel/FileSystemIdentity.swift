/// Identifies a file system that we created, whatever else its device contains.
package struct FileSystemIdentity: Hashable, Sendable {
  package let uuid: String
  /// The label also identifies btrfs. With a given UUID, mkfs.btrfs first searches every block device of the machine
  /// for that UUID (btrfs-progs 6.2, `test_uuid_unique`), and would hang at a device that does not answer.
  package let label: String

  package init(uuid: String, label: String) {
    self.uuid = uuid
    self.label = label
  }

  /// Whether a file system of this kind, with this UUID and label, has this identity.
  package func isBorne(by kind: FileSystemKind, uuid: String?, label: String?) -> Bool {
    kind == .btrfs ? label == self.label : uuid == self.uuid
  }
}
