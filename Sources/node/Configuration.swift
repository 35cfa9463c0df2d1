import LinuxSystem
import LogicalVolumes
import NodeService
import StorageModel

/// The daemon's configuration: flags, then environment, then defaults; checked as a whole before anything starts.
struct Configuration {
  let engine: EngineKind
  let volumeGroups: [VolumeGroupName]
  let thinPool: VolumeName?
  let thinOverprovision: Double
  let socket: String
  let metricsAddress: String?
  let logFormat: Log.Format
  let udev: UdevUse
  let node: NodeSettings
  let fault: StepFault?

  /// - Throws: `invalid` naming the flag and the variable, what was found and what is allowed.
  init(_ words: [String], environment: [String: String]) throws(VolumeError) {
    let values = try Values(words, environment: environment)
    engine = try values.engine()
    volumeGroups = try values.volumeGroups()
    thinPool = try values.thinPool(environment)
    thinOverprovision = try values.number(.thinOverprovision, 0.01...1000)
    socket = try values.path(.socket)
    metricsAddress = values[.metricsAddress]
    logFormat = try values.word(.logFormat, Log.Format.allCases)
    udev = try values.word(.udev, UdevUse.allCases)
    node = NodeSettings(
      nodeName: try values.nodeName(), kubeletRoot: try values.path(.kubeletRoot),
      stateDirectory: try values.path(.stateDirectory),
      reclaimGrace: .milliseconds(Int64(try values.number(.reclaimGrace, 0...31_536_000) * 1000)))
    fault = try environment["ELASTIC_LOCAL_FAULT"].map { text throws(VolumeError) in try StepFault(parsing: text) }
  }

  /// Everything in force, for the one line at start.
  var summary: [String: String] {
    [
      "engine": engine.rawValue, "volumeGroups": volumeGroups.map(\.text).joined(separator: ","),
      "thinPool": thinPool?.text ?? "", "thinOverprovision": "\(thinOverprovision)", "socket": socket,
      "kubeletRoot": node.kubeletRoot, "stateDirectory": node.stateDirectory, "node": node.nodeName,
      "metricsAddress": metricsAddress ?? "", "logFormat": logFormat.rawValue, "udev": udev.rawValue,
      "reclaimGrace": "\(Int(node.reclaimGrace.inSeconds))s",
    ]
  }
}

/// Raw values by setting.
private struct Values {
  private var values: [Setting: String] = [:]

  subscript(setting: Setting) -> String? { values[setting] }

  init(_ words: [String], environment: [String: String]) throws(VolumeError) {
    for setting in Setting.allCases {
      let names = [setting.environmentName] + setting.formerNames
      values[setting] = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    for (name, value) in try Flags.parse(words) {
      guard let setting = Setting(rawValue: name) else {
        throw VolumeError(.invalid, "unknown flag --\(name); try elastic-local-node help")
      }
      values[setting] = value
    }
  }

  func required(_ setting: Setting) -> String { values[setting] ?? setting.standard ?? "" }

  func refusal(_ setting: Setting, _ wanted: String) -> VolumeError {
    VolumeError(
      .invalid,
      "--\(setting.rawValue) (\(setting.environmentName)) is \(quoted(required(setting))), which is not \(wanted)")
  }

  func word<Word: RawRepresentable>(
    _ setting: Setting, _ all: [Word]
  ) throws(VolumeError) -> Word where Word.RawValue == String {
    if let word = Word(rawValue: required(setting)) { return word }
    throw refusal(setting, "one of \(all.map(\.rawValue).joined(separator: ", "))")
  }

  /// The Go program's `DRIVER_KIND` was `LVM` or `BINDMOUNT`.
  func engine() throws(VolumeError) -> EngineKind {
    let text = required(.engine).lowercased()
    if text == "bindmount" { return .directory }
    if let kind = EngineKind(rawValue: text) { return kind }
    throw refusal(.engine, "one of \(EngineKind.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  func volumeGroups() throws(VolumeError) -> [VolumeGroupName] {
    var groups: [VolumeGroupName] = []
    for part in required(.volumeGroup).split(separator: ",", omittingEmptySubsequences: false) {
      groups.append(try naming(.volumeGroup) { () throws(VolumeError) in try VolumeGroupName(String(part)) })
    }
    return groups
  }

  /// The Go program had a switch beside the pool's name; without it a name alone changes nothing.
  func thinPool(_ environment: [String: String]) throws(VolumeError) -> VolumeName? {
    if let name = values[.thinPool] {
      return try naming(.thinPool) { () throws(VolumeError) in try VolumeName(name) }
    }
    guard ["true", "1"].contains(environment["LVM_USE_THIN_VOLUMES"]?.lowercased()) else { return nil }
    let former = environment["LVM_THIN_POOL"].flatMap { $0.isEmpty ? nil : $0 }
    return try VolumeName(former ?? ProductNames.defaultThinPool)
  }

  /// Puts flag and variable in front of what is wrong with a name.
  private func naming<Name>(_ setting: Setting, _ body: () throws(VolumeError) -> Name) throws(VolumeError) -> Name {
    do throws(VolumeError) {
      return try body()
    } catch {
      throw error.during("--\(setting.rawValue) (\(setting.environmentName))")
    }
  }

  func path(_ setting: Setting) throws(VolumeError) -> String {
    let text = required(setting)
    let components = text.split(separator: "/", omittingEmptySubsequences: false)
    guard text.hasPrefix("/"), text.count > 1, !text.hasSuffix("/"),
      components.dropFirst().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
    else { throw refusal(setting, "an absolute path without //, . and ..") }
    return text
  }

  func number(_ setting: Setting, _ range: ClosedRange<Double>) throws(VolumeError) -> Double {
    guard let number = Double(required(setting)), range.contains(number) else {
      throw refusal(setting, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func nodeName() throws(VolumeError) -> String {
    guard let name = values[.nodeName] else { return Host.name }
    let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    guard isPlain, name.count <= 253 else { throw refusal(.nodeName, "a Kubernetes node name") }
    return name
  }
}
