internal import JSON
internal import NodeCalls
internal import StorageModel

extension CallSubject {
  /// Whose call of kubelet's it is: read from any arguments, also from those that were refused.
  init(flex arguments: [String]) {
    var volume = ""
    var pod = ""
    for word in arguments.dropFirst() {
      if word.hasPrefix("{"), let keys = Keys(word) {
        if let name = keys.volume { volume = name }
        if let name = keys.pod { pod = (keys.namespace ?? "") + "/" + name }
      } else if word.hasPrefix("/"), let root = FlexPath.root(of: word),
        // For the log only. A path that is refused has no volume to name; the call's own error says why.
        let parts = try? FlexPath.Parts(word, kubeletRoot: root)
      {
        if volume.isEmpty { volume = parts.name }
        if case .pod(let uid) = parts.kind, pod.isEmpty { pod = uid.text }
      }
    }
    self.init(volume: volume, pod: pod)
  }

  /// Three keys of kubelet's and no other: the options can hold secrets.
  private struct Keys {
    var volume: String?
    var pod: String?
    var namespace: String?

    /// Nil for what is no JSON object.
    init?(_ text: String) {
      do throws(JSONSyntaxError) {
        var json = try JSONReader(strict: Array(text.utf8))
        guard try json.beginObject() else { return nil }
        while let key = try json.nextKey() {
          switch key {
          case FlexOptions.Key.volume: volume = try json.string()
          case FlexOptions.Key.pod: pod = try json.string()
          case FlexOptions.Key.namespace: namespace = try json.string()
          default: break
          }
        }
        try json.end()
      } catch {
        return nil
      }
    }
  }
}
