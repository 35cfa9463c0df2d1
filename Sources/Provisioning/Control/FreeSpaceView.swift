internal import Controllers
internal import KubernetesAPI
internal import StorageLedger
internal import StorageModel

/// The space that waiting claims wait for, at one moment.
struct FreeSpaceView: Sendable {
  /// The largest space that one node has, of the nodes where a volume may be; nil when none of them reports any.
  var largest: [Reach: Largest?]
  /// Why volumes that are to grow cannot.
  var shortages: [String: Shortage]

  /// Where a volume may be.
  struct Reach: Hashable, Sendable {
    var place: DeviceClass
    var topologies: [StorageClass.TopologyTerm]

    init(_ wish: VolumeWish) {
      place = wish.parameters.place
      topologies = wish.allowedTopologies
    }
  }

  struct Largest: Sendable {
    var size: ByteCount
    var node: String
  }

  /// Why the need cannot be met; nil when it can.
  func refusal(of need: Provisioner.Wait.Need) -> Refusal? {
    switch need {
    case .firstConsumer(let wish), .anyNode(let wish): refusal(wish, largest[Reach(wish)] ?? nil)
    case .growth(let volume, _): shortages[volume].map(Provisioner.refusal)
    }
  }

  private func refusal(_ wish: VolumeWish, _ largest: Largest?) -> Refusal? {
    let nodes = wish.allowedTopologies.isEmpty ? "no node" : "no node of the class's allowedTopologies"
    guard let largest else { return Refusal(.insufficientStorage, "\(nodes) has published its storage yet") }
    guard largest.size < wish.size else { return nil }
    return Refusal(
      .insufficientStorage,
      "\(nodes) has \(wish.size) free; the most that one has is \(largest.size), on node \(largest.node)")
  }
}
