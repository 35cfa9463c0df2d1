internal import JSON

extension APIClient {
  /// The first of the versions in which the server serves the resource; nil when in none. Sends one to several
  /// requests.
  ///
  /// - Parameter versions: best first, as in `["v1", "v1beta1", "v1alpha1"]`.
  /// - Throws: ``APIError``.
  package func served(
    _ resource: APIResource, in versions: [String]
  ) async throws(APIError) -> APIResource? {
    let groups = try await served(group: resource.group)
    for version in versions where groups.contains(version) {
      let candidate = resource.version(version)
      if try await serves(candidate) { return candidate }
    }
    return nil
  }

  /// The versions of a group, in the server's order of preference; none when it does not serve the group.
  private func served(group: String) async throws(APIError) -> [String] {
    if group.isEmpty { return ["v1"] }
    do throws(APIError) {
      return try parse(await call(HTTPRequest(path: "/apis/\(group)"), .always), list: "versions", member: "version")
    } catch {
      guard error.kind == .notFound else { throw error }
      return []
    }
  }

  /// Whether exactly this version contains the resource. A server may serve a version of the group without the
  /// resource.
  private func serves(_ resource: APIResource) async throws(APIError) -> Bool {
    let path = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.apiVersion)"
    do throws(APIError) {
      return try parse(await call(HTTPRequest(path: path), .always), list: "resources", member: "name")
        .contains(resource.name)
    } catch {
      guard error.kind == .notFound else { throw error }
      return false
    }
  }

  /// The server's version in its own format: `v1.20.2`, `v1.36.2+k3s1`.
  ///
  /// - Throws: ``APIError``.
  package func serverVersion() async throws(APIError) -> String {
    let body = try await call(HTTPRequest(path: "/version"), .always)
    do throws(JSONSyntaxError) {
      var json = JSONReader(body)
      return try json.member("gitVersion") { json throws(JSONSyntaxError) in try json.string() } ?? ""
    } catch {
      throw APIError(.malformed, "/version: the API server's reply is \(error)")
    }
  }

  private func parse(_ body: [UInt8], list: String, member: String) throws(APIError) -> [String] {
    do throws(JSONSyntaxError) {
      var json = JSONReader(body)
      let elements = try json.member(list) { json throws(JSONSyntaxError) -> [String?]? in
        try json.array { json throws(JSONSyntaxError) in
          try json.member(member) { json throws(JSONSyntaxError) in try json.string() }
        }
      }
      return (elements ?? []).compactMap { $0 }
    } catch {
      throw APIError(.malformed, "discovery: the API server's reply is \(error)")
    }
  }
}
