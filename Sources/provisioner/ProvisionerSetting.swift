import CommandLineTool

/// The settings of `serve`, beside those of ``APISetting``.
enum ProvisionerSetting: String, Setting {
  case namespace
  case identity
  case lease
  case leaseDuration = "lease-duration"
  case parallelism
  case nodeGrace = "node-grace"
  case nodeLossLimit = "node-loss-limit"
  case metricsAddress = "metrics-address"
  case logFormat = "log-format"

  var formerNames: [String] {
    switch self {
    case .namespace: ["POD_NAMESPACE"]
    case .identity: ["POD_NAME"]
    default: []
    }
  }

  var standard: String? {
    switch self {
    case .namespace: "elastic-local"
    case .lease: "elastic-local-provisioner"
    case .leaseDuration: "15"
    case .parallelism: "16"
    case .nodeGrace: "3600"
    case .nodeLossLimit: "10"
    case .logFormat: "text"
    case .identity, .metricsAddress: nil
    }
  }

  var valueName: String {
    switch self {
    case .namespace, .identity, .lease: "NAME"
    case .leaseDuration, .nodeGrace: "SECONDS"
    case .parallelism, .nodeLossLimit: "NUMBER"
    case .metricsAddress: "HOST:PORT"
    case .logFormat: "text|json"
    }
  }

  var help: String {
    switch self {
    case .namespace: "namespace of the Lease and the NodeStorage objects"
    case .identity: "this replica's name in the election; a random part is added"
    case .lease: "name of the Lease for the election"
    case .leaseDuration: "another replica leads when this one has not renewed the Lease for this time"
    case .parallelism: "number of claims and volumes that are handled at once"
    case .nodeGrace: "how long a node must be missing before its volumes are given up"
    case .nodeLossLimit: "number of PVs that may be set aside because their nodes are gone; 0: no claim is deleted"
    case .metricsAddress: "the address of /metrics, /healthz and /readyz"
    case .logFormat: "log lines as text or as JSON"
    }
  }
}
