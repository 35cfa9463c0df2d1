import Foundation

/// The options of a call, as kubelet writes them.
struct Options {
  var mebibytes: Int? = 64
  var fileSystem: String? = "ext4"
  var isReadOnly = false
  var extra: [String: String] = [:]

  func json(_ volume: String, pod: String?) throws -> String {
    var values = [
      "kubernetes.io/fsType": fileSystem ?? "", "kubernetes.io/readwrite": isReadOnly ? "ro" : "rw",
      "kubernetes.io/pvOrVolumeName": volume,
    ]
    values["sizeBytes"] = mebibytes.map { "\($0 << 20)" }
    if let pod {
      values["kubernetes.io/pod.name"] = pod
      values["kubernetes.io/pod.namespace"] = "default"
      values["kubernetes.io/pod.uid"] = pod
    }
    values.merge(extra) { $1 }
    let data = try JSONSerialization.data(withJSONObject: values, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  /// Room for the smallest volume that each file system's maker accepts.
  static func smallest(_ fileSystem: String) -> Options {
    Options(mebibytes: ["ext4": 64, "xfs": 320, "btrfs": 256][fileSystem] ?? 64, fileSystem: fileSystem)
  }
}
