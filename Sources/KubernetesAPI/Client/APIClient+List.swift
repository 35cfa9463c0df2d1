internal import StorageModel

/// What a page of a list ends with.
struct ListPage: Hashable, Sendable {
  /// The state of the collection that the list shows: where a watch goes on.
  var resourceVersion = ""
  /// For the next page; empty after the last.
  var next = ""
}

extension APIClient {
  /// Objects in a page. It bounds the memory that a list takes, for it is read as a whole.
  package static let pageSize = 250

  /// Reads a whole list, page by page, an object at a time; what `each` does not keep is gone. Starts anew when the
  /// pages expire (410), so `each` may see an object twice.
  package func list<Object: APIObject>(
    _ type: Object.Type = Object.self, _ selection: Selection = .all, as resource: APIResource = Object.resource,
    each: (Object) -> Void
  ) async throws(APIError) {
    var (next, attempt) = ("", 1)
    let cache = DecodingCache()
    while true {
      do throws(APIError) {
        next = try await page(selection, resource, next: next, cache: cache, each: each).next
        if next.isEmpty { return }
      } catch {
        guard error.kind == .expired, attempt < retry.attempts else { throw error }
        (next, attempt) = ("", attempt + 1)
      }
    }
  }

  /// Reads a page of a list. Without `next` the first one.
  func page<Object: APIObject>(
    _ selection: Selection, _ resource: APIResource, next: String, cache: DecodingCache, each: (Object) -> Void
  ) async throws(APIError) -> ListPage {
    var path = selection.path(resource)
    path.query("limit", String(Self.pageSize))
    if !next.isEmpty { path.query("continue", next) }
    let body = try await call(HTTPRequest(path: path.text, timeout: .seconds(60)), .always)
    do throws(JSONSyntaxError) {
      var json = JSONReader(body, cache: cache)
      return try Self.read(&json, each)
    } catch {
      throw APIError(.malformed, "GET \(selection.path(resource).text): the API server's reply is \(error)")
    }
  }

  private static func read<Object: APIObject>(
    _ json: inout JSONReader, _ each: (Object) -> Void
  ) throws(JSONSyntaxError) -> ListPage {
    var page = ListPage()
    guard try json.beginObject() else { return page }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": try read(&json, &page)
      case "items":
        guard try json.beginArray() else { continue }
        while try json.nextElement() { each(try Object(json: &json)) }
      default: break
      }
    }
    try json.end()
    return page
  }

  private static func read(_ json: inout JSONReader, _ page: inout ListPage) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "resourceVersion": page.resourceVersion = try json.string() ?? ""
      case "continue": page.next = try json.string() ?? ""
      default: break
      }
    }
  }
}
