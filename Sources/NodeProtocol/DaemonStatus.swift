package import JSON

/// What `elastic-local-node status` shows, as JSON and for people. Sizes are bytes, times RFC 3339 in UTC.
///
/// Fields are added, never renamed.
package struct DaemonStatus: FieldObject {
  package var node = ""
  package var release = ""
  package var engine = ""
  package var uptimeSeconds = 0
  package var residentBytes: UInt64 = 0
  package var groups: [Group] = []
  package var volumes: [Volume] = []
  /// Volumes whose making was interrupted and has not been undone or finished yet.
  package var interrupted: [String] = []
  /// Volumes no PV speaks for; nil while the daemon has no API server to ask.
  package var orphans: [String]?
  package var commands: [Command] = []
  /// For how long the engine's running command has been running; nil when idle.
  package var runningSeconds: Double?

  /// Programs that work on volumes, the oldest first; nil before release 0.2.
  package var work: [Work]?

  /// A program that works on a volume: mkfs, e2fsck, growth.
  package struct Work: FieldObject {
    package var volume = ""
    package var phase = ""
    package var startedAt = ""
    package var seconds = 0.0
    /// How far it is; nil when the program does not tell.
    package var progress: String?

    package init() {}

    package static let fields: [Field<Work>] = [
      Field("phase", \.phase), Field("progress", \.progress), Field("seconds", \.seconds),
      Field("startedAt", \.startedAt), Field("volume", \.volume),
    ]

    package init(volume: String, phase: String, startedAt: String, seconds: Double, progress: String?) {
      self.volume = volume
      self.phase = phase
      self.startedAt = startedAt
      self.seconds = seconds
      self.progress = progress
    }
  }

  package struct Group: FieldObject {
    package var name = ""
    package var totalBytes: UInt64 = 0
    package var freeBytes: UInt64 = 0
    package var foreignBytes: UInt64 = 0
    package var volumes = 0
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

    package init() {}

    package static let fields: [Field<Group>] = [
      Field("foreignBytes", \.foreignBytes), Field("freeBytes", \.freeBytes),
      Field("metadataFreeBytes", \.metadataFreeBytes), Field("metadataTotalBytes", \.metadataTotalBytes),
      Field("name", \.name), Field("thinCeilingBytes", \.thinCeilingBytes), Field("thinComplaint", \.thinComplaint),
      Field("thinDataPercent", \.thinDataPercent), Field("thinMetadataPercent", \.thinMetadataPercent),
      Field("thinPool", \.thinPool), Field("thinVirtualBytes", \.thinVirtualBytes),
      Field("totalBytes", \.totalBytes), Field("trouble", \.trouble), Field("volumes", \.volumes),
    ]

    package init(name: String, totalBytes: UInt64, freeBytes: UInt64, foreignBytes: UInt64, volumes: Int) {
      self.name = name
      self.totalBytes = totalBytes
      self.freeBytes = freeBytes
      self.foreignBytes = foreignBytes
      self.volumes = volumes
    }
  }

  package struct Volume: FieldObject {
    package var name = ""
    package var group = ""
    package var sizeBytes: UInt64 = 0
    package var device: String?
    package var isActive = false
    package var isRetained = false
    package var createdAt: String?
    package var stagedAt: String?
    /// Directories of pods it is published at.
    package var publishedAt: [String] = []
    /// What the kernel held against its file system at the last look, one a minute with an API server; nil when nothing.
    package var complaint: String?
    /// For whom it is kept although no claim has it, since when, and until when; nil for a volume that is not kept so.
    package var keptFor: String?

    package init() {}

    package static let fields: [Field<Volume>] = [
      Field("complaint", \.complaint), Field("createdAt", \.createdAt), Field("device", \.device),
      Field("group", \.group), Field("isActive", \.isActive), Field("isRetained", \.isRetained),
      Field("keptFor", \.keptFor), Field("name", \.name), Field("publishedAt", \.publishedAt),
      Field("sizeBytes", \.sizeBytes),
      Field("stagedAt", \.stagedAt),
    ]

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

  package struct Command: FieldObject {
    package var startedAt = ""
    package var command = ""
    package var seconds: Double?
    package var returnCode: Int?
    package var messages = ""

    package init() {}

    package static let fields: [Field<Command>] = [
      Field("command", \.command), Field("messages", \.messages), Field("returnCode", \.returnCode),
      Field("seconds", \.seconds), Field("startedAt", \.startedAt),
    ]

    package init(startedAt: String, command: String, seconds: Double?, returnCode: Int?, messages: String) {
      self.startedAt = startedAt
      self.command = command
      self.seconds = seconds
      self.returnCode = returnCode
      self.messages = messages
    }
  }

  package init() {}

  package static let fields: [Field<DaemonStatus>] = [
    Field("commands", \.commands), Field("engine", \.engine), Field("groups", \.groups),
    Field("interrupted", \.interrupted), Field("node", \.node), Field("orphans", \.orphans),
    Field("release", \.release), Field("residentBytes", \.residentBytes), Field("runningSeconds", \.runningSeconds),
    Field("uptimeSeconds", \.uptimeSeconds), Field("volumes", \.volumes), Field("work", \.work),
  ]

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
