package import LinuxSystem
package import StorageModel

/// Turns a system call's failure into a volume's, saying what was being done.
func converting<Value>(
  _ activity: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(VolumeError) -> Value {
  do throws(SystemError) {
    return try body()
  } catch {
    throw VolumeError(error, during: activity())
  }
}

/// Puts the volume in front of a failure that names a device or path alone.
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
  /// A system call's failure, with what was being done.
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
