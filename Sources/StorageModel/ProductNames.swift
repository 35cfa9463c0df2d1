/// The names by which other programs know us. They never change, because PVs, labels and volumes of earlier releases
/// have them.
package enum ProductNames {
  /// The release, as in tags, images and metrics.
  package static let release = "0.1.0"

  /// The FlexVolume driver as a PV's `spec.flexVolume.driver` names it (the Go program's name).
  package static let driver = "volumes.k8s.elastic.co/elastic-local"

  /// The driver in directory names: kubelet writes `~` for the slash (kubelet's `utilstrings.EscapeQualifiedName`).
  package static let escapedDriver = "volumes.k8s.elastic.co~elastic-local"

  /// Components of the driver's directory below `plugins/kubernetes.io/flexvolume`, where kubelet keeps the real slash.
  package static let driverComponents = ["volumes.k8s.elastic.co", "elastic-local"]

  /// The volume group the Go program used, and our default.
  package static let defaultVolumeGroup = "elastic-local-vg"

  /// The thin pool the Go program used.
  package static let defaultThinPool = "elastic-local-thinpool"

  /// The socket on which the daemon serves the client.
  package static let defaultSocket = "/var/run/elastic-local/socket"

  /// Kubelet's default root directory (kubelet `--root-dir`).
  package static let defaultKubeletRoot = "/var/lib/kubelet"

  /// The daemon's own state: lock, permits, staging, and the volumes of the file and directory engines.
  package static let defaultStateDirectory = "/var/lib/elastic-local"
}
