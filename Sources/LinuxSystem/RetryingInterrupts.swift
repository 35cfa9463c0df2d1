/// Makes a system call, again for as long as a signal interrupts it, and turns its failure into a `SystemError`.
///
/// The call reports failure by returning -1 and setting errno, as nearly all do. Not for close(2): on Linux the
/// descriptor is gone even when close is interrupted. The operation and subject are evaluated only for an error.
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
