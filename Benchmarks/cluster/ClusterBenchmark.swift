import KubernetesAPI
import LinuxSystem
import StorageModel

/// What `run.sh` beside this file needs of the API server in bulk. KUBECONFIG names the cluster.
@main
enum ClusterBenchmark {
  static func main() async throws {
    guard let path = OwnProcess.environment["KUBECONFIG"], let command = Command(OwnProcess.arguments) else {
      print(
        """
        KUBECONFIG=FILE cluster-benchmark COMMAND
          fill VOLUMES NODES            nodes with their storage, bound volumes of ours and their claims
          churn CHANGES VOLUMES STEP    changes each STEPth of the volumes, in turn
          local COUNT CLASS NODES       volumes for claims of a class without a provisioner, spread over nodes
          claims COUNT CLASS PREFIX     makes claims with a pod each and prints how long they took to be bound, in ms
        """)
      throw Wrong("no command")
    }
    let client = APIClient(try CurlTransport(ConnectionSettings.kubeconfig(path)))
    switch command {
    case .fill(let volumes, let nodes): try await Filling(client: client, nodes: nodes).fill(volumes)
    case .churn(let changes, let volumes, let step):
      try await Filling(client: client, nodes: 1).churn(changes, volumes, step: step)
    case .local(let count, let name, let nodes): try await LocalVolumes(client: client).make(count, name, nodes)
    case .claims(let count, let name, let prefix):
      try await ClaimRun(client: client, className: name, prefix: prefix).run(count)
    }
  }

  private enum Command {
    case fill(Int, nodes: Int)
    case churn(Int, volumes: Int, step: Int)
    case local(Int, className: String, nodes: [String])
    case claims(Int, className: String, prefix: String)

    init?(_ words: [String]) {
      let numbers = words.map { Int($0) ?? -1 }
      switch (words.first, words.count) {
      case ("fill", 3) where numbers[1] > 0 && numbers[2] > 0: self = .fill(numbers[1], nodes: numbers[2])
      case ("churn", 4) where numbers[1] > 0 && 0 < numbers[3] && numbers[3] <= numbers[2]:
        self = .churn(numbers[1], volumes: numbers[2], step: numbers[3])
      case ("local", 4...) where numbers[1] > 0:
        self = .local(numbers[1], className: words[2], nodes: Array(words.dropFirst(3)))
      case ("claims", 4) where numbers[1] > 0: self = .claims(numbers[1], className: words[2], prefix: words[3])
      default: return nil
      }
    }
  }
}

/// Why there is no figure.
struct Wrong: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

extension APIClient {
  /// As many requests at a time as keep an API server of a few processors busy.
  func each(_ numbers: some Sequence<Int>, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, number) in numbers.enumerated() {
        if index >= 24 { try await group.next() }
        group.addTask { try await body(number) }
      }
      try await group.waitForAll()
    }
  }
}
