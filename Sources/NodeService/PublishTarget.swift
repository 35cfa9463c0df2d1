package import StorageModel

/// The directory at which a door wants a volume: below a root, opened component by component without following links.
package struct PublishTarget: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// One of any number of pods' directories, bound from the node's one mount.
    case bind
    /// The node's one mount itself, from which others are bound.
    case device
  }

  package let volume: VolumeName
  package let root: String
  package let components: [String]
  package let kind: Kind

  package init(_ volume: VolumeName, root: String, components: [String], kind: Kind) {
    self.volume = volume
    self.root = root
    self.components = components
    self.kind = kind
  }

  /// For messages.
  var path: String { "\(root)/\(components.joined(separator: "/"))" }
}

extension PublishTarget.Kind {
  /// The log messages for this kind.
  var messages: (done: String, alreadyDone: String, undone: String) {
    switch self {
    case .bind: ("volume published", "volume already published", "volume unpublished")
    case .device: ("volume mounted", "volume already mounted", "volume unmounted")
    }
  }

  /// The phase that measures the unmount.
  var takingDown: Metrics.Phase { self == .bind ? .unpublish : .unstage }

  /// The step point after the unmount.
  var takenDown: StepPoint { self == .bind ? .unpublished : .deviceUnmounted }
}
