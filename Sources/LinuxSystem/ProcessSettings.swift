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
