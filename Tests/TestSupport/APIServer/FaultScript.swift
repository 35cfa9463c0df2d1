internal import JSON
package import KubernetesAPI

/// The fates of the next requests of one kind, in order.
package struct FaultScript: Sendable {
  private let method: String
  private let resource: APIResource
  private let name: String?
  /// Of the next requests.
  package var fates: [Faults.Fate]
  /// What becomes of those behind the last; nil where the dice decide.
  private let then: Faults.Fate?
  /// The number of requests that it has decided about.
  package private(set) var count = 0

  /// - Parameters:
  ///   - method: `POST`, `PATCH`, `DELETE`, `GET`. Subresources have none.
  ///   - name: of the object; nil for all objects of the resource.
  package init(
    _ method: String, _ resource: APIResource, named name: String? = nil, _ fates: [Faults.Fate] = [],
    then: Faults.Fate? = nil
  ) {
    self.method = method
    self.resource = resource
    self.name = name
    self.fates = fates
    self.then = then
  }

  func matches(_ request: HTTPRequest) -> Bool {
    let words = request.path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    guard request.method == method, words.dropLast(method == "POST" ? 0 : 1).last == resource.name else {
      return false
    }
    return name.map { request.objectPath.hasSuffix("/\($0)") } ?? true
  }

  mutating func next() -> Faults.Fate? {
    guard let fate = fates.isEmpty ? then : fates.removeFirst() else { return nil }
    count += 1
    return fate
  }
}

extension HTTPRequest {
  /// The path of the object that the request is about, that of a creation too, which names it in its body.
  var objectPath: String {
    let path = String(path.prefix { $0 != "?" })
    guard method == "POST" else { return path }
    let body = try? JSONValue(parsing: body ?? [])  // what cannot be read names nothing
    return "\(path)/\(body?["metadata", "name"]?.string ?? "")"
  }
}
