internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// The free space that waiting claims need, at one moment.
struct FreeSpaceView: Sendable {
  /// The largest free space of one node, for each set of nodes and device class; nil if none of these nodes has
  /// reported its storage.
  var largest: [Reach: Largest?]
  /// Why volumes cannot grow, by the PV's name. Volumes that can grow are left out.
  var shortages: [String: Shortage]

  /// The nodes and the device class that a volume may be on.
  struct Reach: Hashable, Sendable {
    var place: DeviceClass
    var topologies: [StorageClass.TopologyTerm]

    init(_ wish: VolumeWish) {
      place = wish.parameters.place
      topologies = wish.allowedTopologies
    }
  }

  /// The largest free space of one node, and the node's hostname.
  struct Largest: Sendable {
    var size: ByteCount
    var node: String
  }

  /// Why the need cannot be met; nil if it can.
  func refusal(of need: Provisioner.Wait.Need) -> Refusal? {
    switch need {
    case .firstConsumer(let wish), .anyNode(let wish): refusal(wish, largest[Reach(wish)] ?? nil)
    case .growth(let volume, _): shortages[volume].map(Provisioner.refusal)
    }
  }

  private func refusal(_ wish: VolumeWish, _ largest: Largest?) -> Refusal? {
    let nodes = wish.allowedTopologies.isEmpty ? "no node" : "no node of the class's allowedTopologies"
    guard let largest else { return Refusal(.insufficientStorage, "\(nodes) has reported its storage yet") }
    guard largest.size < wish.size else { return nil }
    return Refusal(
      .insufficientStorage,
      "\(nodes) has \(wish.size) free; the largest free space is \(largest.size), on node \(largest.node)")
  }
}
