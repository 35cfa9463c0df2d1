/// Waits in real time for what other tasks are about to do.
package func eventually(within limit: Duration = .seconds(60), _ condition: () -> Bool) async -> Bool {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if condition() { return true }
    try? await Task.sleep(for: .milliseconds(1))
  }
  return condition()
}
