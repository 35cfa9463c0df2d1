/// A node's report about the volume of one PV, until the PV itself records the same.
///
/// A node's daemon changes no PV. It reports here; the provisioner checks the report and writes the PV. A report is
/// about exactly one PV object, identified by its UID.
package struct VolumeReport: Hashable, Sendable {
  package enum State: String, Sendable, CaseIterable {
    /// The node asks to create the volume of a PV that does not name it as its node yet.
    case requested = "Requested"
    /// The volume exists, as ``instance``.
    case created = "Created"
    /// The PV is being deleted, and its volume is gone from the node.
    case removed = "Removed"
    /// The PV is being deleted, and its volume stays on the node, marked as retained.
    case kept = "Kept"
  }

  /// The name of the PV and of its volume.
  package var volume: String
  /// The PV's UID.
  package var uid: String
  package var state: State
  /// The volume's ``StoredVolume/instance``; only for ``State/created``.
  package var instance: String?
  /// `namespace/name` of the pod that needs the volume; only for ``State/requested``.
  package var pod: String?

  package init(volume: String, uid: String, state: State, instance: String? = nil, pod: String? = nil) {
    self.volume = volume
    self.uid = uid
    self.state = state
    self.instance = instance
    self.pod = pod
  }
}
