internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
package import LogicalVolumes
internal import StorageLedger
package import StorageModel
internal import Telemetry

// Use of an existing volume.
extension Knowledge {
  package func admitUse(of volume: StoredVolume, by pod: String?) async throws(VolumeError) {
    guard let connection else { return }
    let name = volume.name.text
    let authorization = CallAuthorization(node: node, hostname: connection.hostname, pod: pod)
    var refusal: VolumeError?
    if let pv = known(name) ?? recentRead(name, at: MonotonicClock.now()) {
      do throws(VolumeError) {
        return try authorization.requireUse(of: pv, recorded: instance(createdFor: name), found: volume.instance)
      } catch {
        // The known PV may be out of date. So the API server is asked before a refusal.
        refusal = error
      }
    }
    switch await read(name, connection) {
    case .silent(let reason):
      if let refusal { throw refusal }
      log.info("volume used without an answer of the API server", ["volume": name, "reason": reason])
    case .missing:
      try requireInlineVolumes(name)
    case .found(let pv):
      try require(name) { () throws(VolumeError) in
        try authorization.requireUse(
          of: pv, recorded: pv.instance ?? instance(createdFor: name), found: volume.instance)
      }
      remember(pv, at: MonotonicClock.now())
    }
  }

  private enum Answer: Sendable {
    case found(PersistentVolume)
    case missing
    case silent(String)
  }

  /// Reads a PV. Waits at most as long as the use of an existing volume may wait.
  private func read(_ name: String, _ connection: Connection) async -> Answer {
    let now = MonotonicClock.now()
    if isSilent(at: now) { return .silent("it did not answer the previous request") }
    let limit = patience.use
    let answer = await withTaskGroup(of: Answer.self) { group in
      group.addTask { await Self.read(name, connection.writes) }
      group.addTask {
        // Cancelled because the answer has arrived.
        try? await Task.sleep(for: limit)
        return .silent("no answer within \(Int(limit.inSeconds)) s")
      }
      let first = await group.next()
      group.cancelAll()
      return first ?? .silent("no request was sent")
    }
    if case .silent = answer { recordSilence(at: now) }
    return answer
  }

  private static func read(_ name: String, _ writes: any NodeWrites) async -> Answer {
    do throws(WriteFailure) {
      return try await writes.volume(name).map { .found($0) } ?? .missing
    } catch {
      return .silent(error.message)
    }
  }

  /// Runs the check. Records the volume as lost if the check refuses because of that.
  private func require(_ name: String, _ body: () throws(VolumeError) -> Void) throws(VolumeError) {
    do throws(VolumeError) {
      try body()
    } catch {
      if error.code == .unsafe { setLost(true, name) }
      throw error
    }
  }

  private func requireInlineVolumes(_ name: String) throws(VolumeError) {
    guard !allowsInlineVolumes else { return }
    throw VolumeError(
      .forbidden,
      "volume \(name) has no PV, so it is an inline volume of a pod, and these are refused: use a claim of storage class "
        + "elastic-local, or start the daemon with --inline-volumes allow")
  }
}

// Creation of a volume, or use of a volume that is not ours yet.
extension Knowledge {
  package func admitCreation(
    of volume: VolumeName, adopting adopted: StoredVolume?, from source: VolumeSource, by pod: String?
  ) async throws(VolumeError) {
    let name = volume.text
    let end = MonotonicClock.now() + patience.creation
    let connection = try await requireConnection(for: name, until: end)
    let authorization = CallAuthorization(node: node, hostname: connection.hostname, pod: pod)
    defer { withdrawRequest(for: name) }
    while true {
      guard let pv = try await asking(name, { () throws(WriteFailure) in try await connection.writes.volume(name) })
      else {
        try requireInlineVolumes(name)
        return try authorization.requireEmptySource(source, of: name)
      }
      try authorization.requireSource(source, of: pv)
      try require(name) { () throws(VolumeError) in
        try authorization.requireCreation(
          for: pv, recorded: pv.instance ?? reportedInstance(for: pv), found: adopted?.instance)
      }
      if authorization.isAssigned(pv) { return }
      report(VolumeReport(volume: name, uid: pv.metadata.uid, state: .requested, pod: pod))
      guard MonotonicClock.now() < end else { throw unassigned(name) }
      try await pause(name)
    }
  }

  /// The instance that this node has reported for exactly this PV. The PV may not record it yet.
  private func reportedInstance(for pv: PersistentVolume) -> String? {
    reports.first { $0.volume == pv.metadata.name && $0.uid == pv.metadata.uid }?.instance
  }

  /// Waits for the connection: a daemon that has just started first reads its own objects.
  private func requireConnection(for name: String, until end: Duration) async throws(VolumeError) -> Connection {
    while true {
      if let connection { return connection }
      guard MonotonicClock.now() < end else {
        throw VolumeError(
          .unavailable,
          "volume \(name) does not exist on node \(node), and the API server has not answered since the daemon was started, "
            + "so it is not known whether the volume existed before. Nothing was created. Kubelet retries the call")
      }
      try await pause(name)
    }
  }

  private func pause(_ name: String) async throws(VolumeError) {
    do {
      try await Task.sleep(for: patience.interval)
    } catch {
      throw VolumeError(.cancelled, "the caller disconnected while volume \(name) waited for the API server")
    }
  }

  private func unassigned(_ name: String) -> VolumeError {
    VolumeError(
      .unavailable,
      "PV \(name) does not name node \(node) yet, and the provisioner has not assigned it for "
        + "\(Int(patience.creation.inSeconds)) s; no volume was created. Look at the provisioner's log and the claim's Events, "
        + "or set the PV's label \(ClusterNames.nodeLabel) and its node affinity by hand")
  }

  private func asking<Value>(
    _ volume: String, _ body: () async throws(WriteFailure) -> Value
  ) async throws(VolumeError) -> Value {
    do throws(WriteFailure) {
      return try await body()
    } catch {
      throw VolumeError(
        error.isForbidden ? .forbidden : .unavailable,
        "volume \(volume) does not exist on node \(node), and its PV cannot be read to check whether the volume existed before: "
          + "\(error.message). Nothing was created", cause: error)
    }
  }
}
