internal import LinuxSystem
package import StorageModel

/// What the node service works with, checked at start.
package struct NodeConfiguration: Sendable {
  package var nodeName: String
  /// Kubelet's root directory as kubelet writes it into paths.
  package var kubeletRoot: String
  package var stateDirectory: String
  /// A volume younger than this is not removed: its PV may not be visible yet.
  package var reclaimGrace: Duration
  /// How long a `mkfs`, `e2fsck` or grow tool may run; nil for as long as it takes.
  package var toolDeadline: Duration?
  /// How long a call waits for one before it answers that it goes on. Less than the client waits, see ``CallTimes``.
  package var callPatience: Duration

  package init(
    nodeName: String, kubeletRoot: String = ProductNames.defaultKubeletRoot,
    stateDirectory: String = ProductNames.defaultStateDirectory, reclaimGrace: Duration = .seconds(60),
    toolDeadline: Duration? = nil, callPatience: Duration = CallTimes.daemon
  ) {
    self.nodeName = nodeName
    self.kubeletRoot = kubeletRoot
    self.stateDirectory = stateDirectory
    self.reclaimGrace = reclaimGrace
    self.toolDeadline = toolDeadline
    self.callPatience = callPatience
  }

  /// These settings with the state directory made, and named by its real path: mountinfo shows no other.
  ///
  /// - Throws: when it cannot be made.
  package func preparingStateDirectory() throws(VolumeError) -> NodeConfiguration {
    var configuration = self
    let directory = stateDirectory
    configuration.stateDirectory = try converting("preparing the state directory \(directory)") {
      () throws(SystemError) in
      try Files.makeDirectories(directory, mode: 0o700)
      return try Files.realPath(directory)
    }
    return configuration
  }

  /// Where volumes are mounted once per node.
  package var stagingDirectory: String { stateDirectory + "/staging" }
  package var permitDirectory: String { stateDirectory + "/permits" }
  package var lockFile: String { stateDirectory + "/lock" }

  package func stagingPath(of volume: VolumeName) -> String { "\(stagingDirectory)/\(volume)" }
}
