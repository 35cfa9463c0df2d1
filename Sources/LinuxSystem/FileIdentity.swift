/// Which file it is, whatever its name: `st_dev` and `st_ino`.
package struct FileIdentity: Hashable, Sendable {
  package let device: UInt64
  package let inode: UInt64
}
