internal import CLinux
internal import Glibc

/// Settings of the whole process that a C library reads or leaves behind.
package enum ProcessSettings {
  /// Sets an environment variable for libraries in this process, setenv(3). Not while other threads may read the
  /// environment: before the service starts.
  package static func setEnvironment(_ name: String, to value: String) {
    setenv(name, value, 1)
  }

  /// Sets the file mode creation mask to 022, umask(2). Files that matter get their mode explicitly all the same.
  package static func restoreFileModeMask() {
    _ = umask(0o022)
  }
}

extension ProcessSettings {
  /// Tells the kernel that the calling thread serves block devices, so that its allocations never wait for I/O that
  /// itself may have to let through: prctl(2) `PR_SET_IO_FLUSHER`, Linux 5.6.
  ///
  /// - Returns: whether the kernel agreed; it wants `CAP_SYS_RESOURCE`.
  package static func serveBlockDevicesFromThisThread() -> Bool { clinux_set_io_flusher() == 0 }
}
