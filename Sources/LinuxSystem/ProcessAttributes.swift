internal import CLinux
internal import Glibc

/// Attributes of the whole process that a C library reads or changes.
package enum ProcessAttributes {
  /// Sets an environment variable for libraries in this process, setenv(3). Call it before the service starts: no other
  /// thread may read the environment meanwhile.
  package static func setEnvironment(_ name: String, to value: String) {
    setenv(name, value, 1)
  }

  /// Sets the file mode creation mask to 022, umask(2). Files whose mode matters get it explicitly anyway.
  package static func restoreFileModeMask() {
    _ = umask(0o022)
  }
}

extension ProcessAttributes {
  /// Marks the calling thread as one that serves block devices. Its allocations then never wait for I/O that the thread
  /// itself may have to complete: prctl(2) `PR_SET_IO_FLUSHER`, Linux 5.6.
  ///
  /// - Returns: whether the kernel accepted it. It requires `CAP_SYS_RESOURCE`.
  package static func serveBlockDevicesFromThisThread() -> Bool { clinux_set_io_flusher() == 0 }
}
