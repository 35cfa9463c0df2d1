internal import LinuxSystem
internal import StorageModel

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

extension VolumeError {
  init(_ error: SystemError, during activity: String) {
    let code: Code =
      switch error.errno {
      case .noSpace: .noSpace
      case .busy: .inUse
      default: .internal
      }
    self.init(code, "\(activity): \(error)", cause: error)
  }
}
