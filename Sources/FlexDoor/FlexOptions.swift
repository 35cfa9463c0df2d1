internal import JSON
internal import StorageModel

/// The options of a call of kubelet's.
///
/// Kubelet sends one flat object of strings: its own keys begin with `kubernetes.io/`, all others come from the PV's
/// `spec.flexVolume.options`.
struct FlexOptions: Hashable, Sendable {
  /// The PV's name, or the name of an inline volume; nil when the call does not say.
  let volume: VolumeName?
  let options: VolumeOptions
  let access: VolumeRequest.Access
  /// Only `mount` carries it.
  let pod: PodName?

  /// Kubelet's keys (`pkg/volume/flexvolume/driver-call.go`).
  enum Key {
    static let fsType = "kubernetes.io/fsType"
    static let access = "kubernetes.io/readwrite"
    static let volume = "kubernetes.io/pvOrVolumeName"
    static let pod = "kubernetes.io/pod.name"
    static let namespace = "kubernetes.io/pod.namespace"
  }

  /// - Throws: `invalid` naming the key, never its value unless the value is a plain word or number.
  init(_ values: [String: String]) throws(VolumeError) {
    let given = { (key: String) in values[key].flatMap { $0.isEmpty ? nil : $0 } }
    options = try VolumeOptions(values, fsType: values[Key.fsType])
    access = try Self.access(given(Key.access))
    volume = try given(Key.volume).map { text throws(VolumeError) in try Self.volume(text) }
    pod = given(Key.pod).map { PodName(namespace: given(Key.namespace) ?? "", name: $0) }
  }

  /// Reads them as kubelet sends them.
  ///
  /// - Throws: `invalid`. The message names the key at fault and never shows the document: it can hold secrets.
  init(json text: String) throws(VolumeError) {
    guard let members = Self.members(of: text) else {
      throw VolumeError(.invalid, "the options (\(text.utf8.count) bytes) are not a JSON object")
    }
    if let member = members.filter({ $0.value == nil }).min(by: { $0.key < $1.key }) {
      throw VolumeError(.invalid, "option \(quoted(member.key)) is not a string")
    }
    try self.init(Dictionary(members.map { ($0.key, $0.value ?? "") }) { $1 })
  }

  /// Nil for what is no JSON object.
  private static func members(of text: String) -> [(key: String, value: String?)]? {
    do throws(JSONSyntaxError) {
      var json = try JSONReader(strict: Array(text.utf8))
      let members = try json.members()
      try json.end()
      return members
    } catch {
      return nil
    }
  }

  /// What is asked for, of the volume whose directory the call names.
  func request(for name: VolumeName) -> VolumeRequest { VolumeRequest(name, options, access: access, consumer: pod) }

  private static func access(_ text: String?) throws(VolumeError) -> VolumeRequest.Access {
    switch text {
    case nil, "rw": return .readWrite
    case "ro": return .readOnly
    case .some(let other): throw VolumeError(.invalid, "\(Key.access) is \(quoted(other)), not ro or rw")
    }
  }

  private static func volume(_ text: String) throws(VolumeError) -> VolumeName {
    do throws(VolumeError) { return try VolumeName(text) } catch { throw error.during("option \(Key.volume)") }
  }
}
