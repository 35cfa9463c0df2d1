package import LinuxSystem
package import StorageModel
package import Synchronization

/// A node's disk and kernel, in memory: what outlives a simulated daemon as a real disk outlives a real one.
///
/// The simulated engine keeps its volumes here and the simulated operating system its device contents and mounts, so a
/// test can drop the daemon at any step, start another on the same world and look at what is left.
package final class SimulatedWorld: Sendable {
  package struct State: Sendable {
    package var volumes: [String: StoredVolume] = [:]
    package var devices: [String: DeviceContents] = [:]
    package var mounts: [MountEntry] = []
    /// What the kernel holds against a mounted file system.
    package var complaints: [DeviceNumber: FileSystemComplaint] = [:]
    package var directories: Set<String> = []
    package var totalSize: ByteCount
    /// What keeps the simulated group from being read.
    package var trouble: GroupTrouble?
    /// How many times each device was formatted: once is right, more is the loss of somebody's data.
    package var formats: [String: Int] = [:]
    package var nextMountID = 100
    package var nextDevice: UInt32 = 1
    package var deviceNumbers: [String: DeviceNumber] = [:]
  }

  package let state: Mutex<State>

  package init(totalSize: ByteCount = .gibibytes(100)) {
    state = Mutex(State(totalSize: totalSize))
  }

  /// Mounts and activations are gone, the disk is as it was: a reboot.
  package func reboot() {
    state.withLock { state in
      state.mounts = []
      for name in state.volumes.keys { state.volumes[name]?.isActive = false }
    }
  }
}
