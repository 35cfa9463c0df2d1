package import StorageModel

/// Where a volume is to be usable, as a door names it: a directory below a root, opened component by component without
/// following links.
package struct PublishTarget: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// One of any number of directories of pods: bound from the one mount of the node.
    case bind
    /// The one mount of the node itself, from which others are bound.
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
  /// What the log says of it.
  var messages: (done: String, alreadyDone: String, undone: String) {
    switch self {
    case .bind: ("volume published", "volume already published", "volume unpublished")
    case .device: ("volume mounted", "volume already mounted", "volume unmounted")
    }
  }

  /// What is measured when it is taken down.
  var takingDown: Metrics.Phase { self == .bind ? .unpublish : .unstage }

  /// The step that has been done then.
  var takenDown: StepPoint { self == .bind ? .unpublished : .deviceUnmounted }
}
