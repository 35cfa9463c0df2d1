import JSON
internal import KubernetesAPI
internal import StorageModel

// What each request means. Paths: the API concepts page of Kubernetes, "API terminology".
extension SimulatedAPIServer {
  /// What a path names.
  struct Address {
    var served: ServedResource
    var namespace = ""
    var name = ""
    var subresource = ""
    var query: [String: String] = [:]

    var key: ObjectDatabase.Key {
      ObjectDatabase.Key(resource: SimulatedAPIServer.name(served.resource), namespace: namespace, name: name)
    }

    var target: ObjectDatabase.Target { .init(served: served, key: key, isStatus: subresource == "status") }
  }

  func answer(_ request: HTTPRequest, _ state: inout State) -> Answer {
    do throws(StatusError) {
      if request.method == "GET", let found = Self.discovery(request.path, state.served) {
        return .object(200, found)
      }
      let address = try Self.address(request.path, state.served)
      defer { if state.collectsGarbage { state.database.collectGarbage(at: time.wallClock) } }
      switch (request.method, address.name.isEmpty) {
      case ("GET", true) where ["1", "true"].contains(address.query["watch"]): return .watch(try watch(address, &state))
      case ("GET", true): return .object(200, try list(address, &state))
      case ("GET", false): return .object(200, try state.database.object(address.key))
      case ("POST", true):
        return .object(
          201, try state.database.create(try Self.body(request), address.target, at: time.wallClock))
      case ("PUT", false): return .object(200, try state.database.replace(try Self.body(request), address.target))
      case ("PATCH", false): return .object(200, try patch(request, address, &state))
      case ("DELETE", false): return .object(200, try delete(request, address, &state))
      default:
        throw StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
      }
    } catch {
      return .error(error)
    }
  }

  private func patch(
    _ request: HTTPRequest, _ address: Address, _ state: inout State
  ) throws(StatusError) -> JSONValue {
    switch request.contentType {
    case "application/merge-patch+json": try state.database.merge(try Self.body(request), address.target)
    case "application/json-patch+json": try state.database.apply(try Self.body(request), address.target)
    default:
      throw StatusError(
        415, "UnsupportedMediaType",
        "the body of the request was in an unknown format: \(request.contentType ?? "none")")
    }
  }

  private func delete(
    _ request: HTTPRequest, _ address: Address, _ state: inout State
  ) throws(StatusError) -> JSONValue {
    let conditions = request.body == nil ? nil : try Self.body(request)["preconditions"]
    let left = try state.database.delete(
      address.key, uid: conditions?["uid"]?.string, resourceVersion: conditions?["resourceVersion"]?.string,
      at: time.wallClock)
    return left ?? ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success"]
  }

  private func list(_ address: Address, _ state: inout State) throws(StatusError) -> JSONValue {
    var page: Page
    if let token = address.query["continue"] {
      guard let rest = state.pages.removeValue(forKey: token) else {
        throw StatusError(
          410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
      }
      page = rest
    } else {
      let found = state.database.objects(
        of: Self.name(address.served.resource), in: address.namespace, try Self.selector(address))
      page = Page(version: state.database.version, rest: found)
    }
    let items = page.rest.prefix(address.query["limit"].flatMap { Int($0) } ?? Int.max)
    page.rest.removeFirst(items.count)
    var token: JSONValue?
    if !page.rest.isEmpty {
      state.count += 1
      token = .string("page/\(state.count)")
      state.pages["page/\(state.count)"] = page
    }
    return [
      "kind": .string("\(address.served.resource.kind)List"), "apiVersion": .string(address.served.resource.apiVersion),
      "metadata": .members(["resourceVersion": .string("\(page.version)"), "continue": token]),
      "items": .array(items.map { address.served.isCustom ? $0 : Self.withoutKind($0) }),
    ]
  }

  /// Elements of a list of built-in objects do not say what they are.
  private static func withoutKind(_ object: JSONValue) -> JSONValue {
    var object = object
    object[["kind"]] = nil
    object[["apiVersion"]] = nil
    return object
  }

  static func selector(_ address: Address) throws(StatusError) -> Selector {
    try Selector(labels: address.query["labelSelector"], fields: address.query["fieldSelector"], of: address.served)
  }

  private static func body(_ request: HTTPRequest) throws(StatusError) -> JSONValue {
    do throws(JSONSyntaxError) {
      return try JSONValue(parsing: request.body ?? [])
    } catch {
      throw StatusError(400, "BadRequest", "the body is \(error)")
    }
  }

  // MARK: paths

  private static func address(_ path: String, _ served: [ServedResource]) throws(StatusError) -> Address {
    let halves = path.split(separator: "?", maxSplits: 1)
    var words = (halves.first ?? "").split(separator: "/").map { decoded(String($0)) }
    guard words.count >= 3 else { throw unknown(path) }
    let group = words[0] == "apis" ? words.remove(at: 1) : ""
    let version = words[1]
    words.removeFirst(2)
    var namespace = ""
    if words.first == "namespaces", words.count >= 3 {
      namespace = words[1]
      words.removeFirst(2)
    }
    let found = served.first { served in
      let resource = served.resource
      return resource.group == group && resource.version == version && resource.name == words[0]
    }
    guard let found, words.count <= 3, found.resource.isNamespaced || namespace.isEmpty else { throw unknown(path) }
    var address = Address(served: found, namespace: namespace)
    if words.count > 1 { address.name = words[1] }
    if words.count > 2 { address.subresource = words[2] }
    guard address.subresource.isEmpty || address.subresource == "status" && found.hasStatus else { throw unknown(path) }
    // An object of a namespace is asked for in its namespace.
    guard address.name.isEmpty || namespace.isEmpty != found.resource.isNamespaced else { throw unknown(path) }
    for parameter in halves.dropFirst().first?.split(separator: "&") ?? [] {
      let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      address.query[decoded(pair[0])] = pair.count > 1 ? decoded(pair[1]) : ""
    }
    return address
  }

  private static func unknown(_ path: String) -> StatusError {
    StatusError(404, "NotFound", "the server could not find the requested resource")
  }

  private static func decoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(2)
      if byte == UInt8(ascii: "%"), digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What the server says of itself; nil for a path that is about objects.
  private static func discovery(_ path: String, _ served: [ServedResource]) -> JSONValue? {
    let words = path.split(separator: "/").map(String.init)
    if words == ["version"] { return ["gitVersion": "v1.36.0"] }
    let groups = served.map(\.resource)
    if words.count == 2, words[0] == "apis" {
      let versions = Set(groups.filter { $0.group == words[1] }.map(\.version)).sorted()
      guard !versions.isEmpty else { return nil }
      return [
        "kind": "APIGroup", "name": .string(words[1]),
        "versions": .array(versions.map { ["groupVersion": .string("\(words[1])/\($0)"), "version": .string($0)] }),
      ]
    }
    let version = words.first == "api" && words.count == 2 ? words[1] : words.dropFirst().joined(separator: "/")
    guard words.first == "api" && words.count == 2 || words.first == "apis" && words.count == 3 else { return nil }
    let found = groups.filter { $0.apiVersion == version }
    guard !found.isEmpty else { return nil }
    return [
      "kind": "APIResourceList", "groupVersion": .string(version),
      "resources": .array(
        found.map { ["name": .string($0.name), "kind": .string($0.kind), "namespaced": .bool($0.isNamespaced)] }),
    ]
  }
}
