import CommandLineTool
import StorageModel

/// The settings of `serve`, beside those of ``APISetting``.
enum NodeSetting: String, Setting {
  case engine
  case volumeGroup = "volume-group"
  case thinPool = "thin-pool"
  case thinOverprovision = "thin-overprovision"
  case socket
  case kubeletRoot = "kubelet-root"
  case stateDirectory = "state-dir"
  case nodeName = "node-name"
  case metricsAddress = "metrics-address"
  case logFormat = "log-format"
  case reclaimGrace = "reclaim-grace"
  case toolDeadline = "tool-deadline"
  case udev
  case namespace
  case podName = "pod-name"
  case inlineVolumes = "inline-volumes"

  /// The Go program's variables, which are accepted for ever.
  var formerNames: [String] {
    switch self {
    case .engine: ["DRIVER_KIND"]
    case .volumeGroup: ["LVM_VOLUME_GROUP"]
    case .nodeName: ["NODE_NAME"]
    case .namespace: ["POD_NAMESPACE"]
    case .podName: ["POD_NAME"]
    default: []
    }
  }

  var standard: String? {
    switch self {
    case .engine: "lvm"
    case .volumeGroup: ProductNames.defaultVolumeGroup
    case .thinPool, .metricsAddress: nil
    case .thinOverprovision: "1"
    case .socket: ProductNames.defaultSocket
    case .kubeletRoot: ProductNames.defaultKubeletRoot
    case .stateDirectory: ProductNames.defaultStateDirectory
    case .nodeName: "this machine's host name"
    case .logFormat: "text"
    case .reclaimGrace: "60"
    case .toolDeadline: "0"
    case .udev, .inlineVolumes: "auto"
    case .namespace: "elastic-local"
    case .podName: nil
    }
  }

  var valueName: String {
    switch self {
    case .engine: "lvm|file|directory|simulated"
    case .volumeGroup: "NAME[,NAME…]"
    case .thinPool, .nodeName: "NAME"
    case .thinOverprovision: "FACTOR"
    case .socket, .kubeletRoot, .stateDirectory: "PATH"
    case .metricsAddress: "HOST:PORT"
    case .logFormat: "text|json"
    case .reclaimGrace, .toolDeadline: "SECONDS"
    case .udev: "auto|on|off"
    case .inlineVolumes: "auto|allow|refuse"
    case .namespace, .podName: "NAME"
    }
  }

  var help: String {
    switch self {
    case .engine: "the way to store volumes"
    case .volumeGroup: "LVM volume groups; the first is for volumes that name none"
    case .thinPool: "the thin pool for thin volumes; without it volumes are thick"
    case .thinOverprovision: "limit of the thin pool's virtual sizes, as a multiple of its size"
    case .socket: "the socket for the flex client"
    case .kubeletRoot: "kubelet's --root-dir"
    case .stateDirectory: "lock, permits, staging, LVM archives, file and directory volumes"
    case .nodeName: "this node's name in Kubernetes"
    case .metricsAddress: "the address of /metrics and /healthz"
    case .logFormat: "log lines as text or as JSON"
    case .reclaimGrace: "a volume younger than this is never removed"
    case .toolDeadline: "time limit of mkfs, e2fsck and growth; 0 for none"
    case .udev: "whether LVM waits for udev; auto waits if udev can answer"
    case .namespace: "namespace of the NodeStorage objects"
    case .inlineVolumes: "volumes that no PV names; auto refuses them where there is an API server"
    case .podName: "the daemon's own pod, whose DaemonSet owns the NodeStorage object"
    }
  }
}
