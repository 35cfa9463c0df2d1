package import Controllers
package import KubernetesAPI
internal import StorageModel

/// Keeps the volumes whose claims have gone, for as long as their class says and no longer than their owners want.
///
/// It records since when a volume has had no claim, announces and carries out its end, and does what the annotation
/// `delete-data` asks for. It never deletes: it sets the PV's reclaim policy to Delete, and the provisioner does the rest, as
/// for any volume. Giving volumes back is the provisioner's part, since it must not create a second one meanwhile.
package actor KeptVolumeKeeper: Controller {
  let writes: any KeptVolumeWrites
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void

  private(set) var volumes = KeptVolumeIndex()
  /// Claims that ask for the deletion of their data, or that are held for it.
  private var words: [ObjectKey: ClaimWord] = [:]
  private(set) var namespaces: [String: KnownNamespace] = [:]
  /// Volumes whose claims, or whose claims' namespaces, went with the word that the data is to be deleted: the claims' UIDs.
  var lastWords: [String: String] = [:]
  var ended = 0

  package nonisolated let keys: ReconcileLoop<Work>

  package enum Work: Hashable, Sendable {
    /// A kept volume, by its PV's name.
    case volume(String)
    /// A claim that says something about its data.
    case claim(ObjectKey)
  }

  package init(
    writes: any KeptVolumeWrites, time: any Timekeeper = SystemTimekeeper(), backoff: Backoff = .init(),
    log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.writes = writes
    self.time = time
    self.log = log
    keys = ReconcileLoop(parallelism: 8, backoff: backoff, time: time)
  }

  package func reconcile(_ work: Work) async -> Ending {
    do throws(WriteFailure) {
      switch work {
      case .volume(let name): return try await process(volume: name)
      case .claim(let key): return try await process(claim: key)
      }
    } catch {
      // It has changed or is gone, and a watch shows it.
      if error.kind == .conflict || error.kind == .missing { return .done }
      logLine("kept volume not settled yet", ["about": work.description, "reason": error.message], isWarning: true)
      return .failed
    }
  }

  func logLine(_ message: String, _ values: [String: String], isWarning: Bool = false) {
    log(LogLine(message, values, isWarning: isWarning))
  }
}

extension KeptVolumeKeeper.Work {
  var description: String {
    switch self {
    case .volume(let name): "PV \(name)"
    case .claim(let key): "claim \(key)"
    }
  }
}

// MARK: - What lists and watches show

extension KeptVolumeKeeper {
  /// - Parameter new: nil for a PV that is gone or not kept.
  package func volume(_ name: String, _ new: KeptVolume?) {
    let former = volumes[name]
    guard former != nil || new != nil else { return }
    volumes.set(name, new)
    guard let new else {
      lastWords[name] = nil
      return keys.remove(.volume(name))
    }
    keys.add(.volume(name))
    if let claim = new.claim, words[claim] != nil || namespaces[claim.namespace]?.isDeletingData == true {
      keys.add(.claim(claim))
    }
  }

  /// - Parameter new: nil for a claim that is gone, or says nothing.
  package func claim(_ key: ObjectKey, _ new: ClaimWord?, isGone: Bool) {
    let former = words.removeValue(forKey: key)
    if let new {
      words[key] = new
      keys.add(.claim(key))
    } else if isGone, let former, former.isDeletingData {
      recordLastWord(former.volume, former.uid)
    }
    // Another claim has the name already.
    if let new, let former, new.uid != former.uid, former.isDeletingData { recordLastWord(former.volume, former.uid) }
  }

  package func namespace(_ name: String, _ new: KnownNamespace?) {
    let former = namespaces[name]
    namespaces[name] = new
    if let former, former.isDeletingData, former.uid != new?.uid {
      for volume in volumes.volumes(of: name) where volume.identity == former.identity {
        recordLastWord(volume.name, volume.claimUID)
      }
    }
    // Of the many namespaces of a cluster, few say anything about their data.
    guard former != new, [former, new].contains(where: { $0?.isDeletingData == true }) else { return }
    for volume in volumes.volumes(of: name) {
      keys.add(.volume(volume.name))
      if let claim = volume.claim { keys.add(.claim(claim)) }
    }
  }

  /// Whether the volume's last claim went with the word that its data is to be deleted, and that is not recorded yet.
  package func isCondemned(_ volume: KeptVolume) -> Bool {
    lastWords[volume.name].map { $0 == volume.claimUID } ?? false
  }

  private func recordLastWord(_ volume: String, _ uid: String) {
    guard volumes[volume] != nil else { return }
    lastWords[volume] = uid
    keys.add(.volume(volume))
  }
}
