internal import JSON

/// The metadata of a page of a list.
struct ListPage: Hashable, Sendable {
  /// The version of the collection in the list. A watch begins at this version.
  var resourceVersion = ""
  /// The token of the next page; empty after the last.
  var next = ""
}

extension APIClient {
  /// Objects per page. Only one of them is in memory at a time, as JSON. After a broken connection the whole page is
  /// requested again.
  package static let pageSize = 250

  /// Reads a whole list, page by page, one object at a time. Only what `each` keeps stays in memory. Starts again when
  /// the pages expire (410), so `each` may get an object twice.
  ///
  /// - Throws: ``APIError``.
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

  /// Reads a page of a list; the first one if `next` is empty.
  func page<Object: APIObject>(
    _ selection: Selection, _ resource: APIResource, next: String, cache: DecodingCache, each: (Object) -> Void
  ) async throws(APIError) -> ListPage {
    var path = selection.path(resource)
    path.query("limit", String(Self.pageSize))
    if !next.isEmpty { path.query("continue", next) }
    let request = HTTPRequest(path: path.text, timeout: .seconds(60))
    // A reply that is not a list is not requested again at once, but an interrupted reply is.
    let page = try await call(request, .always) { body throws(TransportError) in
      try await Self.read(body, cache: cache, each)
    }
    do throws(Unreadable) {
      return try page.get()
    } catch {
      throw APIError(.malformed, "GET \(selection.path(resource).text): the API server's reply \(error.reason)")
    }
  }

  private struct Unreadable: Error {
    let reason: String

    init(_ error: JSONSyntaxError) { reason = "is \(error)" }
    init(_ error: ListSplitter.TooLong) { reason = "has an object of more than \(error.limit) bytes" }
  }

  /// Reads a list as it arrives, one object at a time.
  private static func read<Object: APIObject>(
    _ body: any HTTPBody, cache: DecodingCache, _ each: (Object) -> Void
  ) async throws(TransportError) -> Result<ListPage, Unreadable> {
    var splitter = ListSplitter(limit: APIClient.objectLimit)
    while let piece = try await body.next() {
      do throws(Unreadable) {
        for element in try elements(of: piece, &splitter) { each(try object(element, cache)) }
      } catch {
        return .failure(error)
      }
    }
    do throws(JSONSyntaxError) {
      var json = JSONReader(splitter.rest)
      return .success(try read(&json))
    } catch {
      return .failure(Unreadable(error))
    }
  }

  private static func elements(of piece: [UInt8], _ splitter: inout ListSplitter) throws(Unreadable) -> [[UInt8]] {
    do throws(ListSplitter.TooLong) { return try splitter.append(piece) } catch { throw Unreadable(error) }
  }

  private static func object<Object: APIObject>(
    _ element: [UInt8], _ cache: DecodingCache
  ) throws(Unreadable) -> Object {
    do throws(JSONSyntaxError) {
      var json = JSONReader(element, cache: cache)
      let object = try Object(json: &json)
      try json.end()
      return object
    } catch {
      throw Unreadable(error)
    }
  }

  /// The fields of a list beside its elements.
  private static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> ListPage {
    var page = ListPage()
    guard try json.beginObject() else { return page }
    while let key = try json.nextKey() {
      if key == "metadata" { try read(&json, &page) }
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
