import LinuxSystem
import StorageModel

/// Calls of the client as kubelet makes them, each volume in its own pod, with their durations.
enum FlexCalls {
  private static let client = Lab.products + "/elastic-local"
  static let driverDirectory = "volumes.k8s.elastic.co~elastic-local"

  /// Blocks.
  ///
  /// - Parameter more: further options of the PV.
  @discardableResult
  static func mount(
    _ volume: BenchVolume, _ size: ByteCount, _ more: [String: String] = [:]
  ) throws -> Duration {
    let directory = directory(of: volume)
    try Files.makeDirectories(directory, mode: 0o750)
    let options: [String: String] = [
      "kubernetes.io/fsType": "ext4", "kubernetes.io/pvOrVolumeName": volume.name, "kubernetes.io/readwrite": "rw",
      "sizeBytes": "\(size.bytes)",
    ]
    let members = options.merging(more) { _, other in other }.sorted { $0.key < $1.key }.map {
      #""\#($0.key)":"\#($0.value)""#
    }
    return try call("mount", directory, "{\(members.joined(separator: ","))}")
  }

  /// The directory of its pod.
  static func directory(of volume: BenchVolume) -> String {
    let digits = String(volume.number)
    let pod = "00000000-0000-4000-8000-\(String(repeating: "0", count: 12 - digits.count))\(digits)"
    return "\(DaemonUnderTest.kubeletRoot)/pods/\(pod)/volumes/\(driverDirectory)/\(volume.name)"
  }

  /// Blocks.
  @discardableResult
  static func unmount(_ volume: BenchVolume) throws -> Duration { try call("unmount", directory(of: volume)) }

  private static func call(_ words: String...) throws -> Duration {
    try Programs.time { try Programs.run([client] + words, variables: DaemonUnderTest.variables) }
  }
}

/// A volume of a section.
struct BenchVolume {
  let number: Int

  init(_ number: Int) { self.number = number }

  var name: String { "pvc-\(number)" }
}
