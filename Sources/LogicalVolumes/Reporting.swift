internal import LinuxSystem
internal import StorageModel

/// Runs a system call's wrapper and turns its failure into a volume's.
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
