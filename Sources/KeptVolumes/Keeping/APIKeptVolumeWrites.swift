package import Controllers
internal import JSON
package import KubernetesAPI
package import LinuxSystem
internal import StorageLedger
internal import StorageModel

/// Sends the requests about kept volumes to an API server. ``KeptVolumeWrites`` documents each of them.
package struct APIKeptVolumeWrites: KeptVolumeWrites {
  private let writer: ObjectWriter
  private let events: EventRecorder
  private let clock: ServerClock

  /// - Parameter events: sends the Events. The caller runs it.
  package init(client: APIClient, events: EventRecorder) {
    writer = ObjectWriter(client)
    self.events = events
    clock = client.serverClock
  }

  package var serverTime: Timestamp? { clock.now }

  package func sendEvent(_ object: ObjectReference, _ reason: EventReason, _ message: String) {
    events.record(reason, on: object, message)
  }
}

// MARK: - Reading

extension APIKeptVolumeWrites {
  package func keptVolumes(
    for claim: ObjectKey, _ identity: KeptIdentity
  ) async throws(WriteFailure) -> [PersistentVolume] {
    // One list for each label, because a label selector has no "or".
    var found: [PersistentVolume] = []
    for (label, digest) in KeptVolume.labels(for: claim, identity).dictionary.sorted(by: { $0.key < $1.key }) {
      let known = Set(found.map(\.metadata.name))
      let more: [PersistentVolume] = try await writer.all(Selection(labels: "\(label)=\(digest)"))
      found += more.filter { !known.contains($0.metadata.name) }
    }
    return found
  }

  package func keptVolume(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    try await writer.find(ObjectKey(name: name))
  }

  package func keptClaim(_ key: ObjectKey) async throws(WriteFailure) -> PersistentVolumeClaim? {
    try await writer.find(key)
  }

  package func claims(named name: String) async throws(WriteFailure) -> [PersistentVolumeClaim] {
    try await writer.all(Selection(fields: "metadata.name=\(name)"))
  }

  package func keptNamespace(_ name: String) async throws(WriteFailure) -> Namespace? {
    try await writer.find(ObjectKey(name: name))
  }
}

// MARK: - The claim that a PV names

extension APIKeptVolumeWrites {
  package func giveBack(
    _ volume: PersistentVolume, to claim: PersistentVolumeClaim, _ identity: KeptIdentity, storageClass: String
  ) async throws(WriteFailure) {
    let key = claim.metadata.key
    var annotations = KeptVolume.annotations(for: key, identity).dictionary.mapValues { JSONValue.string($0) }
    for name in [
      ClusterNames.keptSinceAnnotation, ClusterNames.keptSinceClaimAnnotation, ClusterNames.expiresAnnotation,
      ClusterNames.giveToAnnotation,
    ] { annotations[name] = .null }
    var labels = KeptVolume.labels(for: key, identity).dictionary.mapValues { JSONValue.string($0) }
    if labels[ClusterNames.keptOwnerLabel] == nil { labels[ClusterNames.keptOwnerLabel] = .null }
    try await writer.handOver(
      volume, to: key, uid: claim.metadata.uid,
      with: [
        "metadata": ["annotations": Self.object(annotations), "labels": Self.object(labels)],
        "spec": ["storageClassName": .string(storageClass)],
      ])
  }

  package func bind(_ claim: PersistentVolumeClaim, to volume: String) async throws(WriteFailure) {
    try await writer.change(claim, ["spec": ["volumeName": .string(volume)]])
  }

  package func reserve(_ volume: PersistentVolume, for claim: ObjectKey) async throws(WriteFailure) {
    // The PV's own UID: no claim has it.
    try await writer.handOver(volume, to: claim, uid: volume.metadata.uid)
  }
}

// MARK: - Recording on PVs and claims

extension APIKeptVolumeWrites {
  package func record(_ since: Timestamp, on volume: PersistentVolume) async throws(WriteFailure) {
    try await annotate(
      volume,
      [
        ClusterNames.keptSinceAnnotation: .string(since.rfc3339),
        ClusterNames.keptSinceClaimAnnotation: .string(volume.claim?.uid ?? ""), ClusterNames.expiresAnnotation: .null,
      ])
  }

  package func forgetTime(of volume: PersistentVolume) async throws(WriteFailure) {
    let names = [
      ClusterNames.keptSinceAnnotation, ClusterNames.keptSinceClaimAnnotation, ClusterNames.expiresAnnotation,
    ]
    try await annotate(volume, Dictionary(uniqueKeysWithValues: names.map { ($0, .null) }))
  }

  package func record(end: Timestamp, on volume: PersistentVolume) async throws(WriteFailure) {
    try await annotate(volume, [ClusterNames.expiresAnnotation: .string(end.rfc3339)])
  }

  package func recordDeletion(on volume: PersistentVolume) async throws(WriteFailure) {
    try await annotate(volume, [ClusterNames.deleteDataAnnotation: "true"])
  }

  package func endKeeping(of volume: PersistentVolume) async throws(WriteFailure) {
    try await writer.change(volume, ["spec": ["persistentVolumeReclaimPolicy": "Delete"]])
  }

  package func hold(_ claim: PersistentVolumeClaim) async throws(WriteFailure) {
    _ = try await writer.addFinalizer(ClusterNames.deleteDataFinalizer, to: claim)
  }

  package func release(_ claim: PersistentVolumeClaim) async throws(WriteFailure) {
    try await writer.removeFinalizer(ClusterNames.deleteDataFinalizer, from: claim)
  }

  private func annotate(_ volume: PersistentVolume, _ values: [String: JSONValue]) async throws(WriteFailure) {
    try await writer.change(volume, ["metadata": ["annotations": Self.object(values)]])
  }

  private static func object(_ values: [String: JSONValue]) -> JSONValue {
    .object(values.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, $0.value) })
  }
}
