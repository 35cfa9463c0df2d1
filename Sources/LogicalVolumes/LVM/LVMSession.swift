internal import CLVM2Cmd
internal import LinuxSystem
internal import StorageModel
internal import Synchronization

/// The process's one session with liblvm2cmd.
///
/// Neither this type nor the library is thread-safe. The engine's actor owns it, and the actor's executor is one
/// thread. The library has one callback per process, without a context, so its output is collected in a file-private
/// variable.
///
/// Upstream supports no user of `lvm2_run` other than dmeventd (lvm2 issue 99). If commands had to run in a child
/// process, only this file would change.
final class LVMSession {
  /// The result of a command.
  struct Result {
    var returnCode: Int32
    /// Report lines, as printed.
    var report: [String]
    /// Errors and warnings, in order.
    var messages: [String]

    /// lvm2cmd.h: `LVM2_COMMAND_SUCCEEDED`.
    var succeeded: Bool { returnCode == LVM2_COMMAND_SUCCEEDED }
    var text: String { messages.joined(separator: "; ") }
  }

  private let handle: UnsafeMutableRawPointer
  private let recorder: FlightRecorder

  /// Opens the library with the configuration in `systemDirectory` (`LVM_SYSTEM_DIR`, lvm(8)); nil for the host's.
  ///
  /// - Throws: `internal` if the library cannot be initialized.
  init(systemDirectory: String?, recorder: FlightRecorder) throws(VolumeError) {
    if let systemDirectory { ProcessAttributes.setEnvironment("LVM_SYSTEM_DIR", to: systemDirectory) }
    lvm2_log_fn(collect)
    guard let handle = lvm2_init_threaded() else {
      ProcessAttributes.restoreFileModeMask()
      throw VolumeError(
        .internal, "liblvm2cmd cannot be initialized: \(collected.withLock { $0.messages }.joined(separator: "; "))")
    }
    lvm2_log_level(handle, LVM2_LOG_PRINT)
    self.handle = handle
    self.recorder = recorder
    ProcessAttributes.restoreFileModeMask()
  }

  deinit { lvm2_exit(handle) }

  /// Runs a command and blocks until it ends. If a device hangs, this may never return.
  func run(_ command: LVMCommand) -> Result {
    recorder.begin(command.description)
    collected.withLock { $0 = Collected() }
    let returnCode = lvm2_run(handle, command.line)
    // The library leaves the process's umask at 077 (lvm2 `lib/commands/toolcontext.c`).
    ProcessAttributes.restoreFileModeMask()
    let output = collected.withLock { output in
      defer { output = Collected() }
      return output
    }
    let result = Result(returnCode: returnCode, report: output.report, messages: output.messages)
    recorder.end(
      name: command.name, returnCode: Int(returnCode), succeeded: result.succeeded, messages: result.text)
    return result
  }
}

private struct Collected {
  var report: [String] = []
  var messages: [String] = []
}

private let collected = Mutex(Collected())

/// Collects the library's output. It includes debug messages, hundreds per command, which are dropped before anything
/// is copied. Report lines come from libdm's report code, at the same level as warnings.
private func collect(
  level: Int32, file: UnsafePointer<CChar>?, line: Int32, errorNumber: Int32, message: UnsafePointer<CChar>?
) {
  guard level <= LVM2_LOG_PRINT, let message else { return }
  let text = String(cString: message)
  let isReport = level == LVM2_LOG_PRINT && file.map { String(cString: $0).hasSuffix("libdm-report.c") } ?? false
  collected.withLock { output in
    if isReport { output.report.append(text) } else { output.messages.append(text) }
  }
}
