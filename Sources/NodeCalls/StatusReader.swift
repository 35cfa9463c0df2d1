internal import LinuxSystem
internal import LogicalVolumes
internal import NodeProtocol
internal import NodeService
internal import StorageModel

/// Reads the daemon's state for `status`.
struct StatusReader: Sendable {
  let context: NodeContext
  let release: String

  func reply() async throws(VolumeError) -> Reply {
    var reply = Reply.success
    reply.report = try await report()
    return reply
  }

  private func report() async throws(VolumeError) -> DaemonStatus {
    let activity = context.engine.activity
    let volumes = try await volumes()
    // Orphans are searched only every few minutes. A volume that was removed since is no longer one.
    let names = Set(volumes.map(\.name))
    var report = DaemonStatus(
      node: context.configuration.nodeName, release: release, engine: context.engine.kind.rawValue,
      uptimeSeconds: Int((MonotonicClock.now() - context.startedAt).inSeconds),
      residentBytes: OwnProcess.residentMemory.bytes,
      groups: try await context.engine.capacity().map(DaemonStatus.Group.init), volumes: volumes,
      interrupted: try context.interruptedCreations().map(\.text),
      orphans: context.cluster.orphans.map { $0.map(\.text).filter(names.contains) },
      commands: activity.recent.map {
        DaemonStatus.Command(
          startedAt: $0.startedAt, command: $0.command, seconds: $0.seconds, returnCode: $0.returnCode,
          messages: $0.messages)
      }, runningSeconds: activity.runningSeconds)
    report.work = context.locks.runs.map {
      DaemonStatus.Work(
        volume: $0.volume.text, phase: $0.phase.rawValue, startedAt: $0.startedAt, seconds: $0.age.inSeconds,
        progress: $0.progress.text)
    }
    return report
  }

  private func volumes() async throws(VolumeError) -> [DaemonStatus.Volume] {
    var result: [DaemonStatus.Volume] = []
    let volumes = try await context.engine.volumes()
    let mountsByVolume = try await context.system.mountView(of: volumes.map(\.location)).volumes
    for (volume, entries) in zip(volumes, mountsByVolume) {
      let staging = context.configuration.stagingPath(of: volume.name)
      let mounts = entries.map(\.mountPoint)
      var device: String?
      if case .device(let path) = volume.location, volume.isActive { device = path }
      var line = DaemonStatus.Volume(
        name: volume.name.text, group: volume.group, sizeBytes: volume.size.bytes, device: device,
        isActive: volume.isActive, isRetained: volume.marks?.isRetained ?? false,
        createdAt: volume.createdAt?.description, stagedAt: mounts.contains(staging) ? staging : nil,
        publishedAt: mounts.filter { $0 != staging }.sorted())
      line.complaint = context.conditions.complaint(about: volume.name)?.description
      line.keptFor = context.cluster.keeping(of: volume.name)
      result.append(line)
    }
    return result
  }
}

extension DaemonStatus.Group {
  init(_ capacity: GroupCapacity) {
    self.init(
      name: capacity.group, totalBytes: capacity.totalBytes, freeBytes: capacity.freeBytes,
      foreignBytes: capacity.foreignBytes, volumes: capacity.volumes)
    metadataFreeBytes = capacity.metadataFreeBytes
    metadataTotalBytes = capacity.metadataTotalBytes
    thinPool = capacity.thin?.pool
    thinVirtualBytes = capacity.thin?.virtualBytes
    thinCeilingBytes = capacity.thin?.ceilingBytes
    thinDataPercent = capacity.thin?.dataPercent
    thinMetadataPercent = capacity.thin?.metadataPercent
    trouble = capacity.trouble?.message
    thinComplaint = capacity.thin?.complaint.flatMap { $0.isEmpty ? nil : $0 }
  }
}
