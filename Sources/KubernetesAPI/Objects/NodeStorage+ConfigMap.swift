internal import FoundationEssentials
package import StorageModel

extension NodeStorage {
  /// What a ConfigMap says of a node's storage; nil when it can not be read. One that nobody can read gives no room.
  package init?(published object: ConfigMap) {
    // Why it can not be read makes no difference: the caller takes the node as one without room.
    guard let text = object.data[ClusterNames.nodeStorageKey],
      let storage = try? JSONDecoder().decode(Self.self, from: Data(text.utf8))
    else { return nil }
    self = storage
  }

  /// The ConfigMap that publishes it.
  package func published(in namespace: String) -> ConfigMap {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var object = ConfigMap(
      metadata: ObjectMeta(
        name: ClusterNames.nodeStorageObject(of: node), namespace: namespace,
        labels: [ClusterNames.componentLabel: ClusterNames.nodeStorageComponent]))
    // Numbers, words and flags: encoding them can not fail.
    let bytes = (try? encoder.encode(self)) ?? Data()
    object.data[ClusterNames.nodeStorageKey] = String(decoding: bytes, as: UTF8.self)
    return object
  }
}
