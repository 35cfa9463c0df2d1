/// What a node says about the volume of one PV, until the PV itself says so.
///
/// A node's daemon changes no PV. It reports here, and the provisioner checks the report and writes the PV. A report is
/// about exactly one PV object: the one with this UID.
package struct VolumeReport: Hashable, Sendable {
  package enum State: String, Sendable, CaseIterable {
    /// The node wants to create the volume of a PV that does not name it as its node yet.
    case requested = "Requested"
    /// The volume exists, as ``instance``.
    case created = "Created"
    /// The PV is being deleted, and its volume is gone from the node.
    case removed = "Removed"
    /// The PV is being deleted, and its volume stays on the node, marked as retained.
    case kept = "Kept"
  }

  /// The PV's name, which is the volume's.
  package var volume: String
  /// The PV's UID.
  package var uid: String
  package var state: State
  /// Which volume it is, by ``StoredVolume/instance``; only for ``State/created``.
  package var instance: String?
  /// `namespace/name` of the pod that the volume is wanted for; only for ``State/requested``.
  package var pod: String?

  package init(volume: String, uid: String, state: State, instance: String? = nil, pod: String? = nil) {
    self.volume = volume
    self.uid = uid
    self.state = state
    self.instance = instance
    self.pod = pod
  }
}
