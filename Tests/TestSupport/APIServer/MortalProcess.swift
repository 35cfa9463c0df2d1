package import KubernetesAPI
internal import Synchronization

/// A process at the simulated API server. It can be started again and again; each time it knows nothing of before. Its
/// requests end with it, and perhaps earlier.
package final class MortalProcess<Product: Sendable>: Sendable {
  private let server: SimulatedAPIServer
  private let life = Mutex<Life?>(nil)

  private struct Life: Sendable {
    let product: Product
    let line: MortalTransport
    let task: Task<Void, Never>
  }

  package init(_ server: SimulatedAPIServer) { self.server = server }

  /// - Parameters:
  ///   - writes: the number of changing requests after which no request reaches the server any more; nil for no limit.
  ///   - make: returns what runs in the process, with its line to the API server.
  package func start(
    dyingAfter writes: Int?, _ make: (any APITransport) -> Product, run: @escaping @Sendable (Product) async -> Void
  ) {
    let line = MortalTransport(server, writes: writes)
    let product = make(line)
    life.withLock { $0 = Life(product: product, line: line, task: Task { await run(product) }) }
  }

  /// Nil while it does not run.
  package var product: Product? { life.withLock { $0?.product } }
  /// Whether no request of it reaches the server any more.
  package var isDead: Bool { life.withLock { $0?.line.isDead ?? true } }
  /// The number of its requests that change PVs or claims.
  package var writes: Int { life.withLock { $0?.line.writes ?? 0 } }

  /// Ends it at once, in the middle of whatever it does. Returns when its tasks have ended.
  package func stop() async {
    guard
      let last = life.withLock({ life in
        defer { life = nil }
        return life
      })
    else { return }
    last.line.die()
    last.task.cancel()
    await last.task.value
  }
}
