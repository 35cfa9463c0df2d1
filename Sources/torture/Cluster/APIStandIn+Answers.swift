import JSON
import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization

extension APIStandIn {
  private static let storagePath =
    "apis/\(NodeStorageObject.resource.apiVersion)/namespaces/\(NodeUnderTest.namespace)/nodestorages"

  /// Answers a request. Returns false to close the connection.
  func answer(_ request: HTTPPeer.Request, _ peer: HTTPPeer) -> Bool {
    let delay = state.withLock { $0.delay }
    if delay > .zero { ThreadSleep.sleep(delay) }
    let path = request.path.joined(separator: "/")
    switch (request.method, path) {
    case ("GET", "api/v1/nodes/\(NodeUnderTest.name)"): return peer.reply(200, node)
    case ("GET", "api/v1/persistentvolumes"):
      return request.query["watch"] == nil ? peer.reply(200, list(request.query)) : watch(request.query, peer)
    case ("GET", _) where path.hasPrefix("api/v1/persistentvolumes/"):
      guard let name = request.path.last, let found = state.withLock({ $0.log[String(name)] }) else {
        return peer.reply(404, Self.status(404, "NotFound"))
      }
      return peer.reply(200, found.volume.json(version: found.version))
    case ("POST", Self.storagePath):
      state.withLock { $0.status = Array("{}".utf8) }
      return peer.reply(201, storage())
    case (_, _) where path.hasPrefix(Self.storagePath + "/"): return answerStorage(request, peer)
    case ("POST", _) where path.hasSuffix("/events"), ("PATCH", _) where path.contains("/events/"):
      return takeEvent(request, peer)
    default: return peer.reply(404, Self.status(404, "NotFound"))
    }
  }

  private static func status(_ code: Int64, _ reason: String) -> JSONValue {
    ["kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": .string(reason), "code": .number(code)]
  }

  private var node: JSONValue {
    let hostname = state.withLock { $0.hostname }
    return [
      "kind": "Node", "apiVersion": "v1",
      "metadata": [
        "name": .string(NodeUnderTest.name), "uid": "uid-of-node",
        "labels": .object([.init(ClusterNames.hostnameLabel, .string(hostname))]),
      ],
    ]
  }

  // MARK: PVs

  private static func isSelected(_ volume: ShownVolume?, _ query: [String: String]) -> Bool {
    guard let volume else { return false }
    guard let selector = query["labelSelector"] else { return true }
    return selector == "\(ClusterNames.nodeLabel)=\(volume.node)"
  }

  /// Sends one page. `continue` is the name of the first PV of the next page.
  private func list(_ query: [String: String]) -> JSONValue {
    let (all, version) = state.withLock { ($0.log.all, $0.log.version) }
    let start = query["continue"] ?? ""
    let rest = all.filter { Self.isSelected($0.volume, query) && $0.volume.name >= start }
    let page = rest.prefix(query["limit"].flatMap { Int($0) } ?? rest.count)
    return [
      "kind": "PersistentVolumeList", "apiVersion": "v1",
      "metadata": .members([
        "resourceVersion": .string("\(version)"),
        "continue": rest.dropFirst(page.count).first.map { .string($0.volume.name) },
      ]),
      "items": .array(page.map { $0.volume.json(version: $0.version) }),
    ]
  }

  /// Sends changes until the client disconnects. Checks often, so that a change is visible at once.
  private func watch(_ query: [String: String], _ peer: HTTPPeer) -> Bool {
    guard var version = query["resourceVersion"].flatMap({ Int($0) }) else {
      return peer.reply(400, Self.status(400, "BadRequest"))
    }
    guard peer.beginChunks() else { return false }
    state.withLock { ($0.watches, $0.watching) = ($0.watches + 1, $0.watching + 1) }
    defer { state.withLock { $0.watching -= 1 } }
    repeat {
      guard let changes = state.withLock({ $0.log.changes(since: version) }) else {
        _ = peer.chunk(Self.line("ERROR", Self.status(410, "Expired")))
        return false
      }
      for change in changes {
        version = change.version
        guard let line = Self.line(of: change, query) else { continue }
        guard peer.chunk(line) else { return false }
      }
    } while !peer.stirs(withinMilliseconds: 5)
    return false
  }

  private static func line(of change: ObjectLog.Change, _ query: [String: String]) -> [UInt8]? {
    switch (isSelected(change.old, query), isSelected(change.new, query)) {
    case (false, false): nil
    case (let isKnown, true):
      change.new.map { line(isKnown ? "MODIFIED" : "ADDED", $0.json(version: change.version)) }
    case (true, false): change.old.map { line("DELETED", $0.json(version: change.version)) }
    }
  }

  private static func line(_ type: String, _ object: JSONValue) -> [UInt8] {
    JSONValue.members(["type": .string(type), "object": object]).encoded + [UInt8(ascii: "\n")]
  }

  // MARK: the node's report

  /// The NodeStorage object: its head, followed by the members of the last patch.
  private func storage() -> [UInt8] {
    let head: JSONValue = [
      "kind": "NodeStorage", "apiVersion": .string(NodeStorageObject.resource.apiVersion),
      "metadata": ["name": .string(NodeUnderTest.name), "namespace": .string(NodeUnderTest.namespace)],
    ]
    let status = state.withLock { $0.status ?? [] }
    let members = status.dropFirst().dropLast()
    return Array(head.encoded.dropLast()) + (members.isEmpty ? [] : [UInt8(ascii: ",")] + members)
      + [UInt8(ascii: "}")]
  }

  private func answerStorage(_ request: HTTPPeer.Request, _ peer: HTTPPeer) -> Bool {
    guard state.withLock({ $0.status != nil }) else { return peer.reply(404, Self.status(404, "NotFound")) }
    if request.method == "GET" { return peer.reply(200, storage()) }
    var json = JSONReader(request.body)
    guard request.method == "PATCH", let object = try? NodeStorageObject(json: &json) else {
      return peer.reply(400, Self.status(400, "BadRequest"))
    }
    let listener = state.withLock { state in
      (state.status, state.reports) = (request.body, object.reports)
      return state.onReports
    }
    listener(object.reports)
    return peer.reply(200, storage())
  }

  /// Takes an Event. A repeated Event is a patch, whose name begins with the object's.
  private func takeEvent(_ request: HTTPPeer.Request, _ peer: HTTPPeer) -> Bool {
    var json = JSONReader(request.body)
    if request.method == "POST", let event = try? KubernetesAPI.Event(json: &json) {
      state.withLock { $0.events.append(event.involvedObject.name) }
    } else if let object = request.path.last?.split(separator: ".").first {
      state.withLock { $0.events.append(String(object)) }
    }
    return peer.reply(request.method == "POST" ? 201 : 200, request.body)
  }
}
