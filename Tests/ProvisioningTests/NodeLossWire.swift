import JSON
import KubernetesAPI
import Synchronization
import TestSupport

@testable import Provisioning

/// The connection between a provisioner and its API server. It sees the writes after the loss of a node, runs an action
/// before or after a write, and can cut the provisioner off after a write.
final class NodeLossWire: APITransport {
  enum Write: Hashable, Sendable {
    case setAside, putBack, deleteClaim, deletePod
  }

  /// When an action runs.
  enum Moment: Hashable, Sendable { case before, after }

  private struct State {
    var count = 0
    /// The number of writes after which nothing is sent any more; nil for no limit.
    var end: Int?
    /// Whether the last of these writes is carried out.
    var isLastDone = true
    var isCut = false
    var hooks: [Hook: @Sendable () async -> Void] = [:]
    /// The violations that were found when a claim was deleted.
    var violations: [String] = []
    var most = 0
    /// Kinds of writes whose next one does not reach the server.
    var dropped: Write?
    var times: [Write: Duration] = [:]
  }

  private struct Hook: Hashable {
    var write: Write
    var moment: Moment
  }

  private let server: SimulatedAPIServer
  private let time: any Timekeeper
  private let state = Mutex(State())

  init(_ server: SimulatedAPIServer, time: any Timekeeper) {
    self.server = server
    self.time = time
  }

  /// Loses the next write of a kind: it does not reach the server and gets no answer.
  func drop(_ write: Write) { state.withLock { $0.dropped = write } }

  /// When a write of a kind was last sent.
  func time(of write: Write) -> Duration? { state.withLock { $0.times[write] } }

  /// Runs an action once, before or after the next write of a kind is carried out.
  func once(_ moment: Moment, _ write: Write, _ body: @escaping @Sendable () async -> Void) {
    state.withLock { $0.hooks[Hook(write: write, moment: moment)] = body }
  }

  /// Cuts the provisioner off after this number of writes from now on, as if it were killed then.
  ///
  /// - Parameter isLastDone: whether the last of these writes reaches the server.
  func cut(after count: Int, isLastDone: Bool) {
    state.withLock { state in
      state.end = state.count + count
      state.isLastDone = isLastDone
    }
  }

  /// Whether the provisioner was cut off.
  var isCut: Bool { state.withLock { $0.isCut } }

  /// Reconnects, for a new provisioner.
  func mend() { state.withLock { ($0.isCut, $0.end) = (false, nil) } }

  var violations: [String] { state.withLock { $0.violations } }
  /// The largest number of PVs that were set aside when a write arrived.
  var mostSetAside: Int { state.withLock { $0.most } }

  func send(_ request: HTTPRequest) async throws(TransportError) -> HTTPReply {
    if isCut { throw TransportError(.unreachable, "cut off") }
    guard let write = Self.write(request) else { return try await server.send(request) }
    if write == .deleteClaim { check(request) }
    await run(write, .before)
    let isLast = state.withLock { state in
      state.count += 1
      state.isCut = state.count == state.end
      return state.isCut
    }
    if isLast, !state.withLock({ $0.isLastDone }) { throw TransportError(.broken, "cut off") }
    let isDropped = state.withLock { state in
      state.times[write] = time.now
      defer { if state.dropped == write { state.dropped = nil } }
      return state.dropped == write
    }
    if isDropped { throw TransportError(.timedOut, "no answer within 30 s") }
    let reply = try await server.send(request)
    let count = server.objects(PersistentVolume.self).count { $0.isSetAside }
    state.withLock { $0.most = max($0.most, count) }
    await run(write, .after)
    if isLast { throw TransportError(.broken, "cut off") }
    return reply
  }

  private func run(_ write: Write, _ moment: Moment) async {
    await state.withLock { $0.hooks.removeValue(forKey: Hook(write: write, moment: moment)) }?()
  }

  private static func write(_ request: HTTPRequest) -> Write? {
    let words = request.path.split(separator: "/")
    switch request.method {
    case "DELETE" where words.dropLast().last == "persistentvolumeclaims": return .deleteClaim
    case "DELETE" where words.dropLast().last == "pods": return .deletePod
    case "PATCH" where words.dropLast().last == "persistentvolumes":
      let body = String(decoding: request.body ?? [], as: UTF8.self)
      guard body.contains("/node-loss\"") else { return nil }
      return body.contains("\"Retain\"") ? .setAside : .putBack
    default: return nil
    }
  }

  /// Checks that no claim is deleted whose volume would be deleted with it.
  private func check(_ request: HTTPRequest) {
    let name = request.path.split(separator: "/").last.map(String.init) ?? ""
    guard let claim = server.objects(PersistentVolumeClaim.self).first(where: { $0.metadata.name == name }) else {
      return
    }
    let body = try? JSONValue(parsing: request.body ?? [])
    let uid = body?["preconditions", "uid"]?.string ?? ""
    if uid.isEmpty { state.withLock { $0.violations.append("claim \(name) is deleted whichever it is") } }
    guard uid.isEmpty || uid == claim.metadata.uid else { return }
    let volume = server.objects(PersistentVolume.self).first { $0.metadata.name == claim.volumeName }
    guard let volume, volume.isSetAside, volume.reclaimPolicy == "Retain" else {
      return state.withLock { $0.violations.append("claim \(name) is deleted, and its volume would go with it") }
    }
  }
}
