package import StorageModel

/// What lies on a device, as far as signatures tell.
///
/// The rule: mkfs is allowed on `blank` and on nothing else. Whatever the probe finds, cannot decide or cannot read
/// forbids it. `blank` means that no signature libblkid knows is there, not that the device holds only zeros.
package enum DeviceContents: Hashable, Sendable {
  /// No signature of any kind.
  case blank
  /// Exactly one file system; UUID and label where it has them.
  case fileSystem(type: String, uuid: String?, label: String?)
  /// Something else that somebody put there: `crypto_LUKS`, `LVM2_member`, `linux_raid_member`, `swap`, `dos`, `gpt`,
  /// or `ext4 with a bad checksum`.
  case other(kind: String)
  /// Several signatures that exclude each other, listed as far as they can be read.
  case ambivalent(String)
}

extension DeviceContents {
  /// Whether it is the file system that is known by that.
  package func bears(_ identity: FileSystemIdentity) -> Bool {
    guard case .fileSystem(let type, let uuid, let label) = self, let kind = FileSystemKind(rawValue: type) else {
      return false
    }
    return identity.isBorne(by: kind, uuid: uuid, label: label)
  }
}

extension DeviceContents: CustomStringConvertible {
  /// For messages: `file system ext4, UUID …`, `nothing`, `crypto_LUKS`.
  package var description: String {
    switch self {
    case .blank: "nothing"
    case .fileSystem(let type, let uuid, let label):
      "file system \(type)" + (uuid.map { ", UUID \($0)" } ?? "") + (label.map { ", label \"\($0)\"" } ?? "")
    case .other(let kind): kind
    case .ambivalent(let found): "contradicting signatures: \(found)"
    }
  }
}
