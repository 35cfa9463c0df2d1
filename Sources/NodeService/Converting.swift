package import LinuxSystem
package import StorageModel

/// Converts the failure of a system call to a volume's error, with the activity that failed.
func converting<Value>(
  _ activity: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(VolumeError) -> Value {
  do throws(SystemError) {
    return try body()
  } catch {
    throw VolumeError(error, during: activity())
  }
}

/// Adds the volume's name to an error that names only a device or path.
func naming<Value>(
  _ volume: VolumeName, _ body: () async throws(VolumeError) -> Value
) async throws(VolumeError) -> Value {
  do throws(VolumeError) {
    return try await body()
  } catch {
    throw error.during("volume \(volume)")
  }
}

extension VolumeError {
  /// The failure of a system call, with the activity that failed.
  package init(_ error: SystemError, during activity: String) {
    let code: Code =
      switch error.errno {
      case .noSpace: .noSpace
      case .busy: .inUse
      default: .internal
      }
    self.init(code, "\(activity): \(error)", cause: error)
  }
}
