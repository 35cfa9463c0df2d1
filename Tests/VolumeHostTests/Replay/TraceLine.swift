import Foundation
import VolumeHost

/// A recorded call of a driver.
struct RecordedCall: Decodable, Hashable, Sendable {
  let caller: String
  let driver: String
  let argv: [String]
  let out: String
  let rc: Int32
  /// The duration in seconds.
  let dur: Double
  /// The directory before and after: `exists 750 root:root mounts=1`, `absent`.
  let before: String?
  let after: String?
  /// Whether it mounts another file system.
  let foreign: Bool?
  /// The text that it wrote before its reply.
  let stderr: String?
  /// The file that it removed.
  let removes: String?

  var process: DriverProcess { DriverProcess(output: (stderr ?? "") + out + "\n", end: .exited(rc)) }
  /// The driver and the command line.
  var line: String { "\(driver) \(argv.joined(separator: " "))" }
  /// The directory of the call. Nil if it has none.
  var directory: String? { before == nil ? nil : argv.dropFirst().first }

  static func mounts(_ state: String) -> Int {
    Int(state.split(separator: "=").last ?? "") ?? 0
  }
}

/// A line of a golden file: the head of a situation, an event, or a call.
struct TraceLine: Decodable, Sendable {
  let t: Double
  let version: String?
  let situation: String?
  let end: Double?
  let deviation: Deviation?
  let `do`: String?
  let pod: RecordedPod?
  let uid: String?
  let driver: String?
  /// The answer to `init` of a driver that was loaded before.
  let out: String?
  /// The commands that this driver had reported as not supported, by caller.
  let missing: [String: [String]]?
  let path: String?
  let until: Double?
  let signal: Int32?
  let attaches: Bool?
  let without: Bool?
  let call: RecordedCall?

  struct Deviation: Decodable, Sendable {
    let of: String
    let reason: String
  }
}

/// A pod in a golden file.
struct RecordedPod: Decodable, Hashable, Sendable {
  let name: String
  let uid: String
  let group: UInt32?
  let volumes: [RecordedVolume]

  var pod: Pod { Pod(name: name, uid: uid, group: group, volumes: volumes.map(\.spec)) }
}

/// A volume in a golden file.
struct RecordedVolume: Decodable, Hashable, Sendable {
  let name: String
  let driver: String
  let fsType: String
  let options: [String: String]
  let persistent: Bool?
  let readOnly: Bool?
  let secret: RecordedSecret?
  let sizes: [Int64]?
  let mountOptions: [String]?

  var spec: VolumeSpec {
    let isPersistent = persistent ?? false
    let source = FlexSource(
      driver: driver, fsType: fsType, readOnly: !isPersistent && readOnly ?? false, options: options,
      secret: secret.map { SecretReference(name: $0.name, namespace: isPersistent ? "default" : nil) })
    return VolumeSpec(
      name: name, source: source, origin: isPersistent ? .persistent(claimReadOnly: readOnly ?? false) : .inline,
      mountOptions: mountOptions ?? [], sizes: sizes.map { .init(volume: $0[0], claim: $0[1]) })
  }
}

/// A secret in a golden file. Its values are in base64.
struct RecordedSecret: Decodable, Hashable, Sendable {
  let name: String
  let type: String
  let data: [String: String]

  var secret: Secret {
    Secret(type: type, data: data.mapValues { Array(Data(base64Encoded: $0) ?? Data()) })
  }
}

/// The lines of one situation.
struct Situation: Sendable {
  let head: TraceLine
  var lines: [TraceLine] = []
  var calls: [(t: Double, call: RecordedCall)] { lines.compactMap { line in line.call.map { (line.t, $0) } } }
}

/// A golden file.
struct Trace: Sendable {
  let version: KubernetesVersion
  let situations: [Situation]

  /// Reads the golden file of a version.
  init(_ name: String) throws {
    let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    try self.init(path: directory.appending(path: "Traces/\(name).jsonl").path)
  }

  /// Reads any golden file. Its first line names the version.
  init(path: String) throws {
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    var situations: [Situation] = []
    var version: String?
    for line in text.split(separator: "\n") {
      let line = try JSONDecoder().decode(TraceLine.self, from: Data(line.utf8))
      if let found = line.version {
        version = found
      } else if line.situation != nil {
        situations.append(Situation(head: line))
      } else if !situations.isEmpty {
        situations[situations.count - 1].lines.append(line)
      }
    }
    self.version = Sample.version(version ?? "")
    self.situations = situations
  }
}
