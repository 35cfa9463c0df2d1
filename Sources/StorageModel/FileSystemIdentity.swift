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

  /// The last characters of the label, as many as an XFS label has. It identifies the clone of an XFS, which keeps the
  /// UUID of its origin: with another UUID its whole journal would have to be written again, 64 MiB or more.
  package var shortLabel: String { String(label.suffix(12)) }

  /// Whether a file system of this kind, with this UUID and label, has this identity.
  package func isBorne(by kind: FileSystemKind, uuid: String?, label: String?) -> Bool {
    switch kind {
    case .ext4: uuid == self.uuid
    case .xfs: uuid == self.uuid || label == shortLabel
    case .btrfs: label == self.label
    }
  }
}
