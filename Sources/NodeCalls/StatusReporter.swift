internal import LinuxSystem
internal import LogicalVolumes
internal import NodeProtocol
internal import NodeService
internal import StorageModel

/// Puts together what the daemon knows, for `status`.
struct StatusReporter: Sendable {
  let context: NodeContext
  let release: String

  func reply() async throws(VolumeError) -> Reply {
    var reply = Reply.success
    reply.report = try await report()
    return reply
  }

  private func report() async throws(VolumeError) -> NodeReport {
    let activity = context.engine.activity
    let volumes = try await volumes()
    // Orphans are looked for now and then: one that was removed since is none any more.
    let names = Set(volumes.map(\.name))
    var report = NodeReport(
      node: context.configuration.nodeName, release: release, engine: context.engine.kind.rawValue,
      uptimeSeconds: Int((MonotonicClock.now() - context.startedAt).inSeconds),
      residentBytes: OwnProcess.residentMemory.bytes,
      groups: try await context.engine.capacity().map(NodeReport.Group.init), volumes: volumes,
      interrupted: try context.interruptedCreations().map(\.text),
      orphans: context.cluster.orphans.map { $0.map(\.text).filter(names.contains) },
      commands: activity.recent.map {
        NodeReport.Command(
          startedAt: $0.startedAt, command: $0.command, seconds: $0.seconds, returnCode: $0.returnCode,
          messages: $0.messages)
      }, runningSeconds: activity.runningSeconds)
    report.work = context.locks.runs.map {
      NodeReport.Work(
        volume: $0.volume.text, phase: $0.phase.rawValue, startedAt: $0.startedAt, seconds: $0.age.inSeconds,
        progress: $0.progress.text)
    }
    return report
  }

  private func volumes() async throws(VolumeError) -> [NodeReport.Volume] {
    var result: [NodeReport.Volume] = []
    let volumes = try await context.engine.volumes()
    let mountsByVolume = try await context.system.look(at: volumes.map(\.location)).volumes
    for (volume, entries) in zip(volumes, mountsByVolume) {
      let staging = context.configuration.stagingPath(of: volume.name)
      let mounts = entries.map(\.mountPoint)
      var device: String?
      if case .device(let path) = volume.location, volume.isActive { device = path }
      var line = NodeReport.Volume(
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

extension NodeReport.Group {
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
