/// By what a file system that we made is known again, whatever else lies on its device.
package struct FileSystemIdentity: Hashable, Sendable {
  package let uuid: String
  /// For btrfs: its maker takes a UUID only after it has looked into every block device of the machine for one that has it
  /// already (btrfs-progs 6.2, `test_uuid_unique`), and would wait for one that is stuck.
  package let label: String

  package init(uuid: String, label: String) {
    self.uuid = uuid
    self.label = label
  }

  /// Whether a file system of that kind, with that UUID and label, is the one.
  package func isBorne(by kind: FileSystemKind, uuid: String?, label: String?) -> Bool {
    kind == .btrfs ? label == self.label : uuid == self.uuid
  }
}
