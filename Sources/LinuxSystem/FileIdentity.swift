/// The identity of a file under any of its names: `st_dev` and `st_ino`, stat(2).
package struct FileIdentity: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
}
