extension Model {
  /// A PV of the cluster, as its API server has it.
  struct Claim: Codable, Hashable, Sendable {
    let new: Operation.NewVolume
    /// The instance that the PV records (LVM's UUID of the volume). Nil until the node has reported it.
    var instance: String?

    /// The PV's UID.
    var uid: String { "uid-of-\(new.name)" }
  }
}
