/// The volume that a clone begins as: its name and its instance. So a clone never begins as another volume that has got
/// the name since.
package struct CloneOrigin: Hashable, Sendable {
  package let name: VolumeName
  /// The instance, as the engine and the PV have it.
  package let instance: String

  /// - Throws: ``VolumeError/Code/invalid`` for an instance that no engine assigns.
  package init(name: VolumeName, instance: String) throws(VolumeError) {
    guard Self.isInstance(instance) else {
      throw VolumeError(.invalid, "\(quoted(instance)) is not the instance of a volume")
    }
    self.name = name
    self.instance = instance
  }

  /// LVM's UUIDs and creation tokens. The instance becomes part of an LVM tag.
  private static func isInstance(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "!"), UInt8(ascii: "#"):
          true
        default: false
        }
      }
  }
}
