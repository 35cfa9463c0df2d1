/// A kind of object of the API server: its path, and its name in a body.
package struct APIResource: Hashable, Sendable {
  /// Empty for the core group.
  package var group: String
  package var version: String
  /// The plural in paths: `persistentvolumes`.
  package var name: String
  package var kind: String
  package var isNamespaced: Bool

  package init(group: String = "", version: String = "v1", name: String, kind: String, isNamespaced: Bool) {
    self.group = group
    self.version = version
    self.name = name
    self.kind = kind
    self.isNamespaced = isNamespaced
  }

  /// `v1`, `storage.k8s.io/v1beta1`.
  package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

  /// The same resource in another version of its group.
  package func version(_ version: String) -> APIResource {
    var other = self
    other.version = version
    return other
  }
}
