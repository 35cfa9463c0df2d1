internal import LinuxSystem
package import StorageModel

/// The configuration of the node service, checked at start.
package struct NodeConfiguration: Sendable {
  package var nodeName: String
  /// Kubelet's root directory, as kubelet writes it in paths.
  package var kubeletRoot: String
  package var stateDirectory: String
  /// A volume younger than this is not removed: its PV may not be visible yet.
  package var reclaimGrace: Duration
  /// The time limit of a `mkfs`, `e2fsck` or grow tool; nil for none.
  package var toolDeadline: Duration?
  /// How long a call waits for such a tool before it answers `inProgress`. Less than the client waits, see
  /// ``CallTimes``.
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

  /// Creates the state directory. Returns this configuration with its real path, which mountinfo shows. Blocks.
  ///
  /// - Throws: ``VolumeError`` if the directory cannot be created.
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

  /// The directory in which volumes are mounted once per node.
  package var stagingDirectory: String { stateDirectory + "/staging" }
  package var permitDirectory: String { stateDirectory + "/permits" }
  package var lockFile: String { stateDirectory + "/lock" }

  package func stagingPath(of volume: VolumeName) -> String { "\(stagingDirectory)/\(volume)" }
}
