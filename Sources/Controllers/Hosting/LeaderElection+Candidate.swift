package import KubernetesAPI
package import StorageModel

extension LeaderElection {
  /// An election in which each process has a name of its own: something random stands behind the candidate's. Deadline and
  /// period follow from the duration: two thirds and an eighth of it.
  ///
  /// - Throws: `invalid` for a duration that is too short, or a candidate without a name.
  package init(lease: ObjectKey, candidate: String, duration: Duration) throws(VolumeError) {
    var random = SystemRandomNumberGenerator()
    let identity = candidate.isEmpty ? "" : "\(candidate)_\(String(random.next(), radix: 16))"
    do throws(APIError) {
      try self.init(
        lease: lease, identity: identity, duration: duration, renewDeadline: duration * 2 / 3,
        retryPeriod: duration / 8)
    } catch {
      throw VolumeError(.invalid, error.message)
    }
  }
}
