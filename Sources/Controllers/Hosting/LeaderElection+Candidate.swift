package import KubernetesAPI
package import StorageModel

extension LeaderElection {
  /// Creates an election in which each process has its own name: the candidate and random characters. The renew
  /// deadline is two thirds of the duration, the retry period an eighth.
  ///
  /// - Throws: ``VolumeError/Code/invalid`` for a duration that is too short, or a candidate without a name.
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
