/// The identity of a file under any of its names: `st_dev` and `st_ino`, stat(2).
package struct FileIdentity: Hashable, Sendable {
  /// `st_dev`, as the kernel encodes it.
  package let device: UInt64
  /// `st_ino`.
  package let inode: UInt64
}
