internal import FoundationEssentials
internal import StorageModel

/// Whose call it is, for the log: read from any arguments, also from those that were refused.
struct CallSubject {
  /// Empty when not known, as the fields of a log line are.
  private(set) var volume = ""
  /// `namespace/name`; the UID where the call carries no more.
  private(set) var pod = ""

  init(_ arguments: [String], kubeletRoot: String) {
    for word in arguments.dropFirst() {
      if word.hasPrefix("{") { read(options: word) }
      if word.hasPrefix("/") { read(path: word) }
    }
    if ["remove", "retain", "unretain"].contains(arguments.first), arguments.count > 1 { volume = arguments[1] }
    // As long as an object's name may be.
    (volume, pod) = (String(volume.prefix(253)), String(pod.prefix(507)))
  }

  private mutating func read(path: String) {
    guard let root = TargetPath.root(of: path), let parts = try? TargetPath.Parts(path, kubeletRoot: root) else {
      return
    }
    if volume.isEmpty { volume = parts.name }
    if case .pod(let uid) = parts.kind, pod.isEmpty { pod = uid.text }
  }

  /// Three keys of kubelet's and no other: the options can hold secrets.
  private mutating func read(options text: String) {
    guard let keys = try? JSONDecoder().decode(Keys.self, from: Data(text.utf8)) else { return }
    if let name = keys.volume { volume = name }
    if let name = keys.pod { pod = (keys.namespace ?? "") + "/" + name }
  }

  private struct Keys: Decodable {
    var volume: String?
    var pod: String?
    var namespace: String?

    enum CodingKeys: String, CodingKey {
      case volume = "kubernetes.io/pvOrVolumeName"
      case pod = "kubernetes.io/pod.name"
      case namespace = "kubernetes.io/pod.namespace"
    }
  }
}
