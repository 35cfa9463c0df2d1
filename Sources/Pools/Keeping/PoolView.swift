package import KubernetesAPI
package import StorageModel

/// What the pools' controllers read of the cluster beside pools, checkouts and jobs. Nothing here waits or asks the API server.
package protocol PoolView: Sendable {
  /// The claims that a pool, by its UID, manages.
  func claims(ofPool uid: String) -> [PoolClaim]
  /// The claims that a checkout, by its UID, manages.
  func claims(ofCheckout uid: String) -> [PoolClaim]
  /// The claims of pools and checkouts that name a PV.
  func claims(naming volume: String) -> [PoolClaim]
  /// Claims of a namespace that nobody manages and that have labels.
  func adoptableClaims(in namespace: String) -> [PoolClaim]
  /// Claims of pools that have a node and no volume yet.
  var claimsWithoutVolume: [PoolClaim] { get }
  /// Whether there is any claim of this name.
  func hasClaim(_ key: ObjectKey) -> Bool

  /// The class of this name, or the default class for nil.
  func storageClass(_ name: String?) -> StorageClass?
  /// The nodes with a hostname label, by that label: their names and labels.
  func nodes(hostname: String) -> [(name: String, labels: StringMap)]
  /// Whether the volume of a PV of ours exists, or will not before a pod uses it. False for a PV that is not known yet.
  func isPrepared(_ volume: String) -> Bool
}

/// The free space on nodes, as the one part that gives it out has it.
package protocol PoolSpace: Sendable {
  /// The free space in a device class by hostname, and which of the volumes have their space already.
  func freeSpace(
    at place: DeviceClass, volumes: [String]
  ) async -> (free: [String: ByteCount], booked: Set<String>)
}
