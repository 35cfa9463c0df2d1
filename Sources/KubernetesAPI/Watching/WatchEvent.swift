internal import JSON

/// A line of a watch.
enum WatchEvent<Object: APIObject> {
  /// Added or modified; reconciliation does not distinguish them.
  case changed(Object)
  case deleted(Object)
  /// No change up to this resource version.
  case bookmark(String)
  /// The watch has ended with an error.
  case error(APIError)
  /// An unknown kind of event.
  case unknown(String)

  init(_ line: [UInt8], cache: DecodingCache) throws(JSONSyntaxError) {
    var json = JSONReader(line, cache: cache)
    var type: String?
    var object: JSONReader?
    guard try json.beginObject() else {
      self = .unknown("")
      return
    }
    while let key = try json.nextKey() {
      switch key {
      case "type": type = try json.string()
      case "object":
        // Decoded when the type is known, which need not come first.
        object = json
        try json.skip()
      default: break
      }
    }
    try json.end()
    guard var object else {
      self = .unknown(type ?? "")
      return
    }
    switch type {
    case "ADDED", "MODIFIED": self = .changed(try Object(json: &object))
    case "DELETED": self = .deleted(try Object(json: &object))
    case "BOOKMARK": self = .bookmark(try Object(json: &object).metadata.resourceVersion)
    case "ERROR": self = .error(try APIError(status: &object))
    default: self = .unknown(type ?? "")
    }
  }
}
