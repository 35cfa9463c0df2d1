internal import LinuxSystem
package import NodeCalls
internal import NodeProtocol
package import NodeService
package import StorageModel
internal import Telemetry

/// Kubelet's calls: from argument words to the service's operations, and back to kubelet's outcome words.
package struct FlexCalls: CallSet {
  package init() {}

  package let verbs: Set<String> = [
    "init", "attach", "waitforattach", "isattached", "detach", "waitfordetach", "mountdevice", "unmountdevice", "mount",
    "unmount", "expandvolume", "expandfs", "getvolumename",
  ]
  package let alwaysServed: Set<String> = ["unmount", "unmountdevice"]

  package func subject(of arguments: [String]) -> CallSubject { CallSubject(flex: arguments) }

  package func perform(
    _ verb: String, _ words: [String], by service: VolumeService
  ) async throws(VolumeError) -> HandledCall {
    switch verb {
    case "mount": try await mount(words, service)
    case "unmount": try await unmount(words, service)
    case "waitforattach": try await waitForAttach(words, service)
    case "mountdevice": try await mountDevice(words, service)
    case "unmountdevice": try await unmountDevice(words, service)
    case "expandfs": try await expand(words, service)
    default: HandledCall(try controlPlaneReply(verb))
    }
  }

  /// Verbs that the client answers alone, since they are called where no daemon is; an older client may forward them.
  private func controlPlaneReply(_ verb: String) throws(VolumeError) -> Reply {
    switch verb {
    case "init":
      var reply = Reply.success
      reply.capabilities = Reply.Capabilities(attach: false)
      return reply
    case "attach", "detach", "waitfordetach", "expandvolume": return .success
    case "isattached":
      var reply = Reply.success
      reply.attached = true
      return reply
    default:
      throw VolumeError(.unsupported, "command \(quoted(verb)) is not one of this driver's")
    }
  }
}

// MARK: - The calls

extension FlexCalls {
  /// `mount <pod directory> [<device>] <options>`; the device only before Kubernetes 1.6.
  private func mount(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 2 || words.count == 3 else { throw usage("mount", "<pod directory> <options>", words) }
    let paths = FlexPaths(service.context)
    let path = try await paths.path(words[0])
    guard case .pod = path.kind else { throw wrongKind(words[0], "a pod's volume directory") }
    return try await publish(path, try FlexOptions(json: words[words.count - 1]), paths, service)
  }

  /// `mountdevice <global directory> <device> <options>`
  private func mountDevice(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 3 else { throw usage("mountdevice", "<global directory> <device> <options>", words) }
    let paths = FlexPaths(service.context)
    let path = try await paths.path(words[0])
    guard path.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    return try await publish(path, try FlexOptions(json: words[2]), paths, service)
  }

  /// The reply says that the volume is mounted, with what its directory shows.
  private func publish(
    _ path: FlexPath, _ options: FlexOptions, _ paths: FlexPaths, _ service: VolumeService
  ) async throws(VolumeError) -> HandledCall {
    try requireSameName(path, options)
    let outcome = try await service.publish(options.request(for: path.volume), at: paths.target(path))
    let answer = outcome.value
    var reply = Reply.success
    reply.shown = answer.view?.description
    // A mount that was there before belongs to a pod that runs: it is not this call's to take back.
    guard outcome.isChange else { return HandledCall(reply) }
    return HandledCall(reply) { [log = service.context.log] reason in
      let fields = ["volume": answer.target.volume.text, "reason": reason]
      do throws(VolumeError) {
        guard try await service.takeBack(answer) else { return }
        log.warning("mount taken back", fields)
      } catch {
        log.error("mount could not be taken back", fields.merging(["error": "\(error)"]) { $1 })
      }
    }
  }

  /// `unmount <pod directory>`
  private func unmount(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmount", "<pod directory>", words) }
    let paths = FlexPaths(service.context)
    guard let path = try await paths.pathToFree(words[0]) else { return HandledCall(.success) }
    guard case .pod = path.kind else { throw wrongKind(words[0], "a pod's volume directory") }
    try await service.unpublish(paths.target(path))
    return HandledCall(.success)
  }

  /// `unmountdevice <global directory>`
  private func unmountDevice(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmountdevice", "<global directory>", words) }
    let paths = FlexPaths(service.context)
    guard let path = try await paths.pathToFree(words[0]) else { return HandledCall(.success) }
    guard path.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    try await service.unpublish(paths.target(path))
    return HandledCall(.success)
  }

  /// `waitforattach <device> <options>`
  private func waitForAttach(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 2 else { throw usage("waitforattach", "<device> <options>", words) }
    let options = try FlexOptions(json: words[1])
    guard let name = options.volume else {
      throw VolumeError(.invalid, "the options of waitforattach do not name a volume (\(FlexOptions.Key.volume))")
    }
    return HandledCall(.device(try await service.attach(options.request(for: name))))
  }

  /// `expandfs <options> <device> <directory> <new bytes> <old bytes>`
  private func expand(_ words: [String], _ service: VolumeService) async throws(VolumeError) -> HandledCall {
    guard words.count == 5 else {
      throw usage("expandfs", "<options> <device> <directory> <new bytes> <old bytes>", words)
    }
    let options = try FlexOptions(json: words[0])
    let paths = FlexPaths(service.context)
    let path = try await paths.path(words[2])
    try requireSameName(path, options)
    guard let size = ByteCount(decimal: words[3]), size > .zero, size <= .largestVolume else {
      throw VolumeError(.invalid, "the new size \(quoted(words[3])) is no positive decimal number of bytes")
    }
    try await service.expand(at: paths.target(path), to: size)
    return HandledCall(.success)
  }

  private func requireSameName(_ path: FlexPath, _ options: FlexOptions) throws(VolumeError) {
    guard let name = options.volume, name != path.volume else { return }
    throw VolumeError(
      .invalid, "the directory is volume \(path.volume)'s, the options name volume \(name); one of them is wrong")
  }

  private func wrongKind(_ path: String, _ wanted: String) -> VolumeError {
    VolumeError(.invalid, "\(quoted(path)) is not \(wanted)")
  }
}
