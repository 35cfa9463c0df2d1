/// What `elastic-local-node status` shows, as JSON and for people. Sizes are bytes, times RFC 3339 in UTC.
///
/// Fields are added, never renamed.
package struct NodeReport: Sendable, Codable {
  package var node: String
  package var release: String
  package var engine: String
  package var uptimeSeconds: Int
  package var residentBytes: UInt64
  package var groups: [Group]
  package var volumes: [Volume]
  /// Volumes whose making was interrupted and has not been undone or finished yet.
  package var interrupted: [String]
  /// Volumes no PV speaks for; nil while the daemon has no API server to ask.
  package var orphans: [String]?
  package var commands: [Command]
  /// For how long the engine's running command has been running; nil when idle.
  package var runningSeconds: Double?

  /// Programs that work on volumes, the oldest first; nil before release 0.2.
  package var work: [Work]?

  /// A program that works on a volume: mkfs, e2fsck, growth.
  package struct Work: Sendable, Codable {
    package var volume: String
    package var phase: String
    package var startedAt: String
    package var seconds: Double
    /// How far it is; nil when the program does not tell.
    package var progress: String?

    package init(volume: String, phase: String, startedAt: String, seconds: Double, progress: String?) {
      self.volume = volume
      self.phase = phase
      self.startedAt = startedAt
      self.seconds = seconds
      self.progress = progress
    }
  }

  package struct Group: Sendable, Codable {
    package var name: String
    package var totalBytes: UInt64
    package var freeBytes: UInt64
    package var foreignBytes: UInt64
    package var volumes: Int
    package var metadataFreeBytes: UInt64?
    package var metadataTotalBytes: UInt64?
    package var thinPool: String?
    package var thinVirtualBytes: UInt64?
    package var thinCeilingBytes: UInt64?
    package var thinDataPercent: Double?
    package var thinMetadataPercent: Double?
    /// What the kernel holds against the thin pool; nil when nothing, and when it was not asked.
    package var thinComplaint: String?
    /// Why no volume can be made in the group; nil when it can.
    package var trouble: String?

    package init(name: String, totalBytes: UInt64, freeBytes: UInt64, foreignBytes: UInt64, volumes: Int) {
      self.name = name
      self.totalBytes = totalBytes
      self.freeBytes = freeBytes
      self.foreignBytes = foreignBytes
      self.volumes = volumes
    }
  }

  package struct Volume: Sendable, Codable {
    package var name: String
    package var group: String
    package var sizeBytes: UInt64
    package var device: String?
    package var isActive: Bool
    package var isRetained: Bool
    package var createdAt: String?
    package var stagedAt: String?
    /// Directories of pods it is published at.
    package var publishedAt: [String]
    /// What the kernel held against its file system at the last look, one a minute with an API server; nil when nothing.
    package var complaint: String?

    package init(
      name: String, group: String, sizeBytes: UInt64, device: String?, isActive: Bool, isRetained: Bool,
      createdAt: String?, stagedAt: String?, publishedAt: [String]
    ) {
      self.name = name
      self.group = group
      self.sizeBytes = sizeBytes
      self.device = device
      self.isActive = isActive
      self.isRetained = isRetained
      self.createdAt = createdAt
      self.stagedAt = stagedAt
      self.publishedAt = publishedAt
    }
  }

  package struct Command: Sendable, Codable {
    package var startedAt: String
    package var command: String
    package var seconds: Double?
    package var returnCode: Int?
    package var messages: String

    package init(startedAt: String, command: String, seconds: Double?, returnCode: Int?, messages: String) {
      self.startedAt = startedAt
      self.command = command
      self.seconds = seconds
      self.returnCode = returnCode
      self.messages = messages
    }
  }

  package init(
    node: String, release: String, engine: String, uptimeSeconds: Int, residentBytes: UInt64, groups: [Group],
    volumes: [Volume], interrupted: [String], orphans: [String]?, commands: [Command], runningSeconds: Double?
  ) {
    self.node = node
    self.release = release
    self.engine = engine
    self.uptimeSeconds = uptimeSeconds
    self.residentBytes = residentBytes
    self.groups = groups
    self.volumes = volumes
    self.interrupted = interrupted
    self.orphans = orphans
    self.commands = commands
    self.runningSeconds = runningSeconds
  }
}
