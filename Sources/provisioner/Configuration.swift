import CommandLineTool
import Controllers
import KubernetesAPI
import Provisioning
import StorageModel
import Telemetry

/// The provisioner's configuration. A flag overrides its environment variable, and that the default. All settings are
/// checked before anything starts.
struct Configuration {
  let namespace: String
  let identity: String
  let lease: String
  let leaseDuration: Duration
  let provisioner: Provisioner.Configuration
  let metricsAddress: String?
  let logFormat: Log.Format
  let connection: ConnectionConfiguration

  /// - Throws: `invalid` with the flag and its variable, what was found and what is allowed.
  init(_ words: [String], environment: [String: String]) throws(VolumeError) {
    let command = "elastic-local-provisioner"
    let values = try SettingValues<ProvisionerSetting>(
      words, environment: environment, command: command, beside: APISetting.self)
    let api = try SettingValues<APISetting>(
      words, environment: environment, command: command, beside: ProvisionerSetting.self)
    namespace = try values.objectName(.namespace)
    lease = try values.objectName(.lease)
    identity = values[.identity] ?? Host.name
    leaseDuration = try values.seconds(.leaseDuration, 3...600)
    var provisioner = Provisioner.Configuration(
      parallelism: Int(try values.number(.parallelism, 1...256)),
      nodeGrace: try values.seconds(.nodeGrace, 0...31_536_000))
    provisioner.nodeLossLimit = Int(try values.number(.nodeLossLimit, 0...100_000))
    self.provisioner = provisioner
    metricsAddress = values[.metricsAddress]
    logFormat = try values.word(.logFormat, Log.Format.allCases)
    connection = try api.connection(environment: environment)
  }

  /// All settings, for the log line at the start.
  var summary: [String: String] {
    [
      "server": connection.server, "namespace": namespace, "identity": identity, "lease": lease,
      "leaseDuration": "\(leaseDuration.components.seconds)s", "parallelism": "\(provisioner.parallelism)",
      "nodeGrace": "\(provisioner.nodeGrace.components.seconds)s", "nodeLossLimit": "\(provisioner.nodeLossLimit)",
      "metricsAddress": metricsAddress ?? "",
      "logFormat": logFormat.rawValue,
    ]
  }
}
