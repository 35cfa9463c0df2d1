internal import Controllers
internal import KubernetesAPI
internal import LinuxSystem
internal import NodeService
internal import StorageModel
internal import Telemetry

// The condition of volumes in use, in the words of Kubernetes' volume health monitoring.
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

  /// Sends one Event for each program. Kubelet's own Events and `status` show its progress.
  private func reportLongRuns() {
    let work = service.longWork
    for program in work where reportedLongRuns[program.volume] != program.startedAt {
      sendEvent(program.volume, .volumeInProgress, "\(program.words), on node \(configuration.node)")
    }
    reportedLongRuns = Dictionary(work.map { ($0.volume, $0.startedAt) }) { $1 }
  }

  /// Reports the changes since the last check.
  private func reportConditions(_ new: [VolumeName: FileSystemComplaint]) {
    for (name, complaint) in new where complaints[name] != complaint {
      log.error("volume condition is abnormal", ["volume": name.text, "reason": complaint.description])
      sendEvent(
        name, .volumeConditionAbnormal,
        "\(complaint), on node \(configuration.node); copy what can be read, then end all pods that use the volume. An ext4 is "
          + "repaired before the next mount")
    }
    for name in complaints.keys where new[name] == nil {
      log.notice("volume condition is normal again", ["volume": name.text])
      sendEvent(name, .volumeConditionNormal, "the kernel reports no error of its file system any more")
    }
    complaints = new
  }

  private func sendEvent(_ name: VolumeName, _ reason: EventReason, _ message: String) {
    guard let pv = volumes[name.text] else { return }
    sendEventToVolumeAndClaim(pv, reason, message)
  }
}
