internal import LinuxSystem
internal import StorageModel

/// Converts the failure of a system call to a volume's error, with the activity and its subject.
func reporting<Value>(
  _ activity: String, _ subject: String, _ body: () throws(SystemError) -> Value
) throws(VolumeError) -> Value {
  do {
    return try body()
  } catch {
    let code: VolumeError.Code = error.errno == .noSpace ? .noSpace : error.errno == .busy ? .inUse : .internal
    throw VolumeError(code, "\(activity) \(subject): \(error)", cause: error)
  }
}
