/// Makes a system call and repeats it while a signal interrupts it. Returns its result. Blocks as the call does.
///
/// The call must report failure by -1 and errno, as nearly all do. Not for close(2): on Linux the descriptor is closed
/// even if close is interrupted. `operation` and `subject` are evaluated only for an error.
///
/// - Throws: `SystemError` with the call's errno.
@discardableResult
package func retryingInterrupts<Result: SignedInteger>(
  _ operation: @autoclosure () -> String, _ subject: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = call()
    if result != -1 { return result }
    let reason = Errno.current
    if reason != .interrupted { throw SystemError(operation: operation(), subject: subject(), errno: reason) }
  }
}
