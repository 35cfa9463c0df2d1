import CommandLineTool
import Controllers
import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import NodeService
import StorageModel
import Telemetry

/// The daemon's configuration: flags, then environment, then defaults. Checked as a whole before anything starts.
struct Configuration {
  let engine: EngineKind
  let volumeGroups: [VolumeGroupName]
  let thinPool: VolumeName?
  let thinOverprovision: Double
  let socket: String
  let metricsAddress: String?
  let logFormat: Log.Format
  let udev: UdevUse
  let node: NodeConfiguration
  let fault: StepFault?
  /// Nil without an API server: outside of a pod, and no flag names one.
  let connection: ConnectionConfiguration?
  let namespace: String
  let podName: String?
  /// Whether a volume that no PV names may be created and used.
  let allowsInlineVolumes: Bool

  /// - Throws: `invalid` with the flag and the variable, what was found and what is allowed.
  init(_ words: [String], environment: [String: String]) throws(VolumeError) {
    let command = "elastic-local-node"
    let values = try SettingValues<NodeSetting>(
      words, environment: environment, command: command, beside: APISetting.self)
    let api = try SettingValues<APISetting>(
      words, environment: environment, command: command, beside: NodeSetting.self)
    engine = try values.engine()
    volumeGroups = try values.volumeGroups()
    thinPool = try values.thinPool(environment)
    thinOverprovision = try values.number(.thinOverprovision, 0.01...1000)
    socket = try values.path(.socket)
    metricsAddress = values[.metricsAddress]
    logFormat = try values.word(.logFormat, Log.Format.allCases)
    udev = try values.word(.udev, UdevUse.allCases)
    node = NodeConfiguration(
      nodeName: try values.nodeName(), kubeletRoot: try values.directory(.kubeletRoot),
      stateDirectory: try values.directory(.stateDirectory),
      reclaimGrace: try values.seconds(.reclaimGrace, 0...31_536_000),
      toolDeadline: try values.seconds(.toolDeadline, 0...31_536_000).unlessZero)
    let hasServer = api.namesServer(environment: environment)
    connection = hasServer ? try api.connection(environment: environment) : nil
    namespace = try values.objectName(.namespace)
    podName = values[.podName]
    // Without an API server an inline volume cannot be distinguished from a PV's.
    allowsInlineVolumes =
      switch try values.word(.inlineVolumes, InlineVolumes.allCases) {
      case .allow: true
      case .refuse: false
      case .auto: connection == nil
      }
    fault = try environment["ELASTIC_LOCAL_FAULT"].map { text throws(VolumeError) in try StepFault(parsing: text) }
  }

  /// All values in force, for the log line at start.
  var summary: [String: String] {
    [
      "engine": engine.rawValue, "volumeGroups": volumeGroups.map(\.text).joined(separator: ","),
      "thinPool": thinPool?.text ?? "", "thinOverprovision": "\(thinOverprovision)", "socket": socket,
      "kubeletRoot": node.kubeletRoot, "stateDirectory": node.stateDirectory, "node": node.nodeName,
      "metricsAddress": metricsAddress ?? "", "logFormat": logFormat.rawValue, "udev": udev.rawValue,
      "server": connection?.server ?? "none", "namespace": connection == nil ? "" : namespace,
      "inlineVolumes": allowsInlineVolumes ? "allow" : "refuse",
      "reclaimGrace": "\(Int(node.reclaimGrace.inSeconds))s",
      "toolDeadline": node.toolDeadline.map { "\(Int($0.inSeconds))s" } ?? "none",
    ]
  }
}

extension Duration {
  fileprivate var unlessZero: Duration? { self == .zero ? nil : self }
}

/// Whether volumes that no PV names are allowed: the values of `--inline-volumes`.
enum InlineVolumes: String, CaseIterable {
  case auto, allow, refuse
}

extension SettingValues<NodeSetting> {
  /// The Go program's `DRIVER_KIND` was `LVM` or `BINDMOUNT`.
  fileprivate func engine() throws(VolumeError) -> EngineKind {
    let text = required(.engine).lowercased()
    if text == "bindmount" { return .directory }
    if let kind = EngineKind(rawValue: text) { return kind }
    throw refusal(.engine, "one of \(EngineKind.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  fileprivate func volumeGroups() throws(VolumeError) -> [VolumeGroupName] {
    var groups: [VolumeGroupName] = []
    for part in required(.volumeGroup).split(separator: ",", omittingEmptySubsequences: false) {
      groups.append(try naming(.volumeGroup) { () throws(VolumeError) in try VolumeGroupName(String(part)) })
    }
    return groups
  }

  /// The Go program had a switch beside the thin pool's name. Without the switch, the name alone has no effect.
  fileprivate func thinPool(_ environment: [String: String]) throws(VolumeError) -> VolumeName? {
    if let name = self[.thinPool] {
      return try naming(.thinPool) { () throws(VolumeError) in try VolumeName(name) }
    }
    guard ["true", "1"].contains(environment["LVM_USE_THIN_VOLUMES"]?.lowercased()) else { return nil }
    let former = environment["LVM_THIN_POOL"].flatMap { $0.isEmpty ? nil : $0 }
    return try VolumeName(former ?? ProductNames.defaultThinPool)
  }

  fileprivate func nodeName() throws(VolumeError) -> String {
    self[.nodeName] == nil ? Host.name.lowercased() : try objectName(.nodeName)
  }
}
