/// Selects objects of a kind.
package struct Selection: Hashable, Sendable {
  /// Empty for all namespaces.
  package var namespace: String
  /// `key=value,other!=value`.
  package var labels: String?
  /// `metadata.name=x`, `spec.nodeName=y`.
  package var fields: String?

  package init(namespace: String = "", labels: String? = nil, fields: String? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.fields = fields
  }

  /// All objects of the kind.
  package static let all = Selection()

  func path(_ resource: APIResource) -> APIPath {
    var path = APIPath(resource, namespace: namespace)
    path.query("labelSelector", labels)
    path.query("fieldSelector", fields)
    return path
  }
}
