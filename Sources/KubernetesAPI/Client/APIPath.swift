/// Builds paths of the API server (its API concepts page, "API terminology").
struct APIPath {
  private(set) var text: String
  private var hasQuery = false

  /// The path of a collection; an empty namespace means all namespaces.
  init(_ resource: APIResource, namespace: String = "") {
    text = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
    if resource.isNamespaced, !namespace.isEmpty { append(component: "namespaces", namespace) }
    append(component: resource.name)
  }

  /// The path of an object, or of a subresource of it.
  init(_ resource: APIResource, _ key: ObjectKey, subresource: String? = nil) {
    self.init(resource, namespace: key.namespace)
    append(component: key.name)
    if let subresource { append(component: subresource) }
  }

  private mutating func append(component: String...) {
    for component in component { text += "/" + Self.escape(component) }
  }

  /// Adds a query parameter; nothing if its value is nil.
  mutating func query(_ name: String, _ value: String?) {
    guard let value else { return }
    text += "\(hasQuery ? "&" : "?")\(name)=\(Self.escape(value))"
    hasQuery = true
  }

  /// Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
  private static func escape(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let isUnreserved =
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
          UInt8(ascii: "~"):
          true
        default: false
        }
      if isUnreserved {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        result += "%\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
      }
    }
    return result
  }
}
