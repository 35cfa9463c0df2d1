import KubernetesAPI
import LinuxSystem
import Synchronization
import Testing

/// A real API server, named by `ELASTIC_LOCAL_CLUSTER`: the path of an administrator's kubeconfig in JSON form.
enum Cluster {
  static let kubeconfig = OwnProcess.environment["ELASTIC_LOCAL_CLUSTER"]

  /// Why the tests are skipped, printed once.
  static let isGiven: Bool = {
    if kubeconfig == nil { print("no ELASTIC_LOCAL_CLUSTER=KUBECONFIG: the tests with a real API server are skipped") }
    return kubeconfig != nil
  }()

  static func configuration() throws -> ConnectionConfiguration {
    try ConnectionConfiguration.kubeconfig(#require(kubeconfig))
  }

  static func client() throws -> APIClient { APIClient(try CurlTransport(configuration())) }

  /// A name that no other run uses.
  static func name(_ word: String) -> String { "test-\(word)-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))" }
}
