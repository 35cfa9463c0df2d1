package import KubernetesAPI
internal import Synchronization

/// A line to the API server that breaks for good after some writes: the end of a process, as the server sees it.
package final class MortalTransport: APITransport {
  private let server: SimulatedAPIServer
  private let state: Mutex<(left: Int?, writes: Int)>

  package init(_ server: SimulatedAPIServer, writes: Int?) {
    self.server = server
    state = Mutex((writes, 0))
  }

  package var isDead: Bool { state.withLock { $0.left == 0 } }
  package var writes: Int { state.withLock { $0.writes } }
  package func die() { state.withLock { $0.left = 0 } }

  package func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    let isAlive = state.withLock { state in
      if state.left == 0 { return false }
      guard request.method != "GET", !request.path.contains("/events") else { return true }
      // What the scheduler is told comes when it likes.
      if request.path.contains("/persistentvolume") { state.writes += 1 }
      if let left = state.left { state.left = left - 1 }
      return true
    }
    guard isAlive else { throw TransportError(.unreachable, "the process is dead") }
    return try await server.send(request)
  }
}
