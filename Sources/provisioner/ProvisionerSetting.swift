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
    case .namespace: "where the lease and the nodes' storage objects are"
    case .identity: "this one's name among the candidates; something random is added"
    case .lease: "the Lease that decides who leads"
    case .leaseDuration: "after that long without a sign of life another takes over"
    case .parallelism: "how many claims and volumes are worked on at a time"
    case .nodeGrace: "how long a node must be gone before its volumes are given up"
    case .nodeLossLimit: "how many claims are deleted because their nodes are gone before somebody looks; 0: none"
    case .metricsAddress: "serve /metrics, /healthz and /readyz there"
    case .logFormat: "lines for people or for machines"
    }
  }
}
