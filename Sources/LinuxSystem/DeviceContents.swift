package import StorageModel

/// What is on a device, as its signatures show.
///
/// mkfs is allowed only on `blank`. Anything that the probe finds, cannot decide or cannot read forbids it. `blank`
/// means that libblkid knows no signature on the device. It does not mean that the device holds only zeros.
package enum DeviceContents: Hashable, Sendable {
  /// No signature of any kind.
  case blank
  /// Exactly one file system, with the UUID and label that it has.
  case fileSystem(type: String, uuid: String?, label: String?)
  /// Something else: `crypto_LUKS`, `LVM2_member`, `linux_raid_member`, `swap`, `dos`, `gpt`, or `ext4 with a bad
  /// checksum`.
  case other(kind: String)
  /// Several signatures that exclude each other. The text lists those that can be read.
  case ambivalent(String)
}

extension DeviceContents {
  /// Returns whether this is the file system with that identity.
  package func bears(_ identity: FileSystemIdentity) -> Bool {
    guard case .fileSystem(let type, let uuid, let label) = self, let kind = FileSystemKind(rawValue: type) else {
      return false
    }
    return identity.isBorne(by: kind, uuid: uuid, label: label)
  }
}

extension DeviceContents: CustomStringConvertible {
  /// The text for messages: `file system ext4, UUID …`, `nothing`, `crypto_LUKS`.
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
