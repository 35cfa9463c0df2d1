internal import KubernetesAPI
internal import StorageLedger
package import StorageModel

extension Knowledge {
  package func pin(_ volume: VolumeName) async throws(VolumeError) {
    guard case (let writes?, let hostname?) = connection else {
      throw VolumeError(
        .unavailable, "volume \(volume) has to be pinned to this node first, and the API server has not answered yet")
    }
    for _ in 0..<3 {
      guard let found = try await asking(volume, { () throws(APIError) in try await writes.volume(volume.text) }) else {
        throw VolumeError(.conflict, "volume \(volume) has no PV any more; nothing is made for it")
      }
      if try isPinned(found, to: hostname) { return }
      let isDone = try await asking(volume) { () throws(APIError) in
        try await Self.pin(found, node, hostname, writes)
      }
      if isDone { return }
    }
    throw VolumeError(
      .unavailable, "volume \(volume) can not be pinned to this node: its PV changes all the time; try again")
  }

  /// - Throws: `conflict` when the PV may not be used here.
  private func isPinned(_ found: PersistentVolume, to hostname: String) throws(VolumeError) -> Bool {
    if found.metadata.isBeingDeleted {
      throw VolumeError(.conflict, "volume \(found.metadata.name) is being deleted; nothing is made for it")
    }
    guard let terms = found.nodeAffinity?.terms, !terms.isEmpty else { return false }
    if found.hostname == hostname { return true }
    throw VolumeError(
      .conflict,
      "volume \(found.metadata.name) is pinned to node \(found.hostname ?? "another"), where its data is, and this is "
        + "\(hostname)")
  }

  /// False when the PV has changed since it was read.
  private static func pin(
    _ volume: PersistentVolume, _ node: String, _ hostname: String, _ writes: any NodeWrites
  ) async throws(APIError) -> Bool {
    do throws(APIError) {
      try await writes.pin(volume, node: node, hostname: hostname)
      return true
    } catch {
      guard error.kind == .conflict || error.mayHaveHappened else { throw error }
      return false
    }
  }

  private func asking<Value>(
    _ volume: VolumeName, _ body: () async throws(APIError) -> Value
  ) async throws(VolumeError) -> Value {
    do throws(APIError) {
      return try await body()
    } catch {
      throw VolumeError(
        error.kind == .forbidden ? .forbidden : .unavailable,
        "volume \(volume) can not be pinned to this node: \(error.description)", cause: error)
    }
  }
}
