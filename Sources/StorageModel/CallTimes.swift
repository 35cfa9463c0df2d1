/// How long a call may take. The client waits longer than the daemon works.
package enum CallTimes {
  /// The flex client (`CallTime` in Sources/FlexClient, which can import nothing; `ELASTIC_LOCAL_TIMEOUT` sets another
  /// time) and our own tool give up after this time.
  package static let client = Duration.seconds(110)

  /// After this time the daemon answers that a program is still running.
  package static let daemon = Duration.seconds(95)
}
