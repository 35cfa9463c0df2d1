/// How long a call may take: the one who asks waits longer than the one who answers works.
package enum CallTimes {
  /// After this the flex client gives up (`CallTime` in Sources/FlexClient, which can import nothing;
  /// `ELASTIC_LOCAL_TIMEOUT` is another time), and so does our own tool.
  package static let client = Duration.seconds(110)

  /// After this the daemon answers that a program goes on.
  package static let daemon = Duration.seconds(95)
}
