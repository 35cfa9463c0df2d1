package import Controllers
package import KubernetesAPI
internal import StorageModel

/// Keeps volumes without a claim until their time is over or their deletion is requested.
///
/// - It records on the PV since when the volume has had no claim.
/// - It announces the end, and ends the keeping at that time.
/// - It carries out deletion requests: annotation `delete-data` on a claim, a namespace or a PV.
///
/// It deletes nothing itself. It sets the PV's reclaim policy to Delete, and the provisioner then deletes the PV like
/// any other. The provisioner also gives volumes back, because it alone may create another volume for the claim.
package actor KeptVolumeKeeper: Controller {
  let writes: any KeptVolumeWrites
  let time: any Timekeeper
  private let log: @Sendable (LogLine) -> Void

  private(set) var volumes = KeptVolumeIndex()
  /// Claims with a deletion request or with our finalizer.
  private var words: [ObjectKey: ClaimWord] = [:]
  private(set) var namespaces: [String: KnownNamespace] = [:]
  /// UIDs of claims that were deleted with a deletion request, on them or on their namespace; by the PV's name. The PV
  /// does not record the request yet.
  var lastWords: [String: String] = [:]
  /// The number of volumes whose keeping has ended.
  var ended = 0

  /// The volumes and claims to be reconciled.
  package nonisolated let keys: ReconcileLoop<Work>

  /// A unit of work. Units with the same key never run concurrently.
  package enum Work: Hashable, Sendable {
    /// A kept volume, by its PV's name.
    case volume(String)
    /// A claim with a deletion request or with our finalizer.
    case claim(ObjectKey)
  }

  /// - Parameters:
  ///   - backoff: the pauses after failed requests.
  ///   - log: called for each log line, on any thread. It must not block.
  package init(
    writes: any KeptVolumeWrites, time: any Timekeeper = SystemTimekeeper(), backoff: Backoff = .init(),
    log: @escaping @Sendable (LogLine) -> Void
  ) {
    self.writes = writes
    self.time = time
    self.log = log
    keys = ReconcileLoop(parallelism: 8, backoff: backoff, time: time)
  }

  /// Carries out the next step for a volume or claim. Waits for the API server. Failures are logged and retried.
  package func reconcile(_ work: Work) async -> Ending {
    do throws(WriteFailure) {
      switch work {
      case .volume(let name): return try await process(volume: name)
      case .claim(let key): return try await process(claim: key)
      }
    } catch {
      // The object has changed or is gone. A watch shows that.
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
  /// Sets a kept volume; nil for a PV that is gone or not kept.
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

  /// Sets a claim.
  ///
  /// - Parameters:
  ///   - new: nil for a claim that is gone, and for one without a deletion request and without our finalizer.
  ///   - isGone: whether the claim is gone.
  package func claim(_ key: ObjectKey, _ new: ClaimWord?, isGone: Bool) {
    let former = words.removeValue(forKey: key)
    if let new {
      words[key] = new
      keys.add(.claim(key))
    } else if isGone, let former, former.isDeletingData {
      recordLastWord(former.volume, former.uid)
    }
    // Another claim has the name already, so the former one is gone.
    if let new, let former, new.uid != former.uid, former.isDeletingData { recordLastWord(former.volume, former.uid) }
  }

  /// Sets a namespace; nil for one that is gone.
  package func namespace(_ name: String, _ new: KnownNamespace?) {
    let former = namespaces[name]
    namespaces[name] = new
    if let former, former.isDeletingData, former.uid != new?.uid {
      for volume in volumes.volumes(of: name) where volume.identity == former.identity {
        recordLastWord(volume.name, volume.claimUID)
      }
    }
    // Saves work: few namespaces of a cluster have a deletion request.
    guard former != new, [former, new].contains(where: { $0?.isDeletingData == true }) else { return }
    for volume in volumes.volumes(of: name) {
      keys.add(.volume(volume.name))
      if let claim = volume.claim { keys.add(.claim(claim)) }
    }
  }

  /// Whether the volume's last claim was deleted with a deletion request that the PV does not record yet. Such a volume
  /// must not be given back.
  package func isCondemned(_ volume: KeptVolume) -> Bool {
    lastWords[volume.name].map { $0 == volume.claimUID } ?? false
  }

  private func recordLastWord(_ volume: String, _ uid: String) {
    guard volumes[volume] != nil else { return }
    lastWords[volume] = uid
    keys.add(.volume(volume))
  }
}
