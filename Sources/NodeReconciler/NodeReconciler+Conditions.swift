internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
internal import NodeService
internal import StorageModel
internal import Telemetry

// Whether volumes in use are well, told in the words of Kubernetes' volume health monitoring.
extension NodeReconciler {
  func checkConditions() async -> Ending {
    reportLongRuns()
    do throws(VolumeError) {
      reportConditions(try await service.complaints())
    } catch {
      log.warning("condition of volumes not known", ["reason": error.message])
      return .failed
    }
    return .again(after: configuration.conditionInterval)
  }

  /// Once for each program: kubelet's own Events and `status` say how far it is.
  private func reportLongRuns() {
    let work = service.longWork
    for program in work where reportedLongRuns[program.volume] != program.startedAt {
      sendEvent(program.volume, .volumeInProgress, "\(program.words), on node \(configuration.node)")
    }
    reportedLongRuns = Dictionary(work.map { ($0.volume, $0.startedAt) }) { $1 }
  }

  /// What has changed since the last look.
  private func reportConditions(_ new: [VolumeName: FileSystemComplaint]) {
    for (name, complaint) in new where complaints[name] != complaint {
      log.error("volume is not well", ["volume": name.text, "reason": complaint.description])
      sendEvent(
        name, .volumeConditionAbnormal,
        "\(complaint), on node \(configuration.node); save what can be read, then end all pods that use the volume: an ext4 is "
          + "repaired before it is mounted again")
    }
    for name in complaints.keys where new[name] == nil {
      log.notice("volume is well again", ["volume": name.text])
      sendEvent(name, .volumeConditionNormal, "the kernel holds nothing against its file system any more")
    }
    complaints = new
  }

  private func sendEvent(_ name: VolumeName, _ reason: EventReason, _ message: String) {
    guard let pv = volumes[name.text] else { return }
    sendEventToVolumeAndClaim(pv, reason, message)
  }
}
