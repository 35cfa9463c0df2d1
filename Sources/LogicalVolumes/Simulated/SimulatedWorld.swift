package import LinuxSystem
package import StorageModel
package import Synchronization

/// A node's disk and kernel in memory. They outlive a simulated daemon as real ones outlive a real daemon.
///
/// The simulated engine stores its volumes here, and the simulated operating system its device contents and mounts. So
/// a test can stop the daemon at any step, start another one on the same world, and check the state.
package final class SimulatedWorld: Sendable {
  package struct State: Sendable {
    package var volumes: [String: StoredVolume] = [:]
    package var devices: [String: DeviceContents] = [:]
    package var mounts: [MountEntry] = []
    /// The kernel's complaint about a mounted file system.
    package var complaints: [DeviceNumber: FileSystemComplaint] = [:]
    package var directories: Set<String> = []
    package var totalSize: ByteCount
    /// Why the simulated group cannot be read.
    package var trouble: GroupTrouble?
    /// How many times each device was formatted. Once is right; twice means lost data.
    package var formats: [String: Int] = [:]
    package var nextMountID = 100
    package var nextDevice: UInt32 = 1
    package var deviceNumbers: [String: DeviceNumber] = [:]
  }

  package let state: Mutex<State>

  package init(totalSize: ByteCount = .gibibytes(100)) {
    state = Mutex(State(totalSize: totalSize))
  }

  /// Reboots: mounts and activations are gone, the disk stays as it was.
  package func reboot() {
    state.withLock { state in
      state.mounts = []
      for name in state.volumes.keys { state.volumes[name]?.isActive = false }
    }
  }
}
