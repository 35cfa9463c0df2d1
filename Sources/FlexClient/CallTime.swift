/// How long a call may take, in seconds, unless `ELASTIC_LOCAL_TIMEOUT` says otherwise.
enum CallTime {
  /// `CallTimes.client` of StorageModel, which the client cannot import. A test compares the two.
  static let seconds = 110
}
