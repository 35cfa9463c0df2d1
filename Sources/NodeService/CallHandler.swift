internal import LinuxSystem
package import NodeProtocol
internal import StorageModel
internal import Telemetry

/// The reply to a call, and how to take the call back if nobody is there any more to read it.
package struct HandledCall: Sendable {
  package let reply: Reply
  package let undo: (@Sendable () async -> Void)?
}

/// Serves the calls of the flex client and of our own tool: from argument words to the service's operations and back.
///
/// The one place where errors become replies.
package struct CallHandler: Sendable {
  let context: NodeContext
  let release: String

  package init(context: NodeContext, release: String) {
    self.context = context
    self.release = release
  }

  /// Serves one call. Never throws: every failure is a reply.
  package func handle(_ arguments: [String]) async -> HandledCall {
    let verb = arguments.first ?? ""
    let start = MonotonicClock.now()
    context.metrics.beginCall()
    do throws(VolumeError) {
      let inTime = CallHandler(
        context: context.answering(within: context.settings.callPatience), release: release)
      let call = try await inTime.dispatch(verb, Array(arguments.dropFirst()))
      context.metrics.endCall(verb, outcome: "success", MonotonicClock.now() - start)
      return call
    } catch {
      context.metrics.endCall(verb, outcome: error.code.rawValue, MonotonicClock.now() - start)
      let level =
        [.unsupported, .inProgress].contains(error.code) ? context.log.info : context.log.warning
      level("call failed", ["verb": quoted(verb), "code": error.code.rawValue, "reason": "\(error)"])
      return HandledCall(reply: Reply(error), undo: nil)
    }
  }

  private func dispatch(_ verb: String, _ words: [String]) async throws(VolumeError) -> HandledCall {
    switch verb {
    case "mount": return try await mount(words)
    case "unmount": return try await unmount(words)
    case "waitforattach": return try await waitForAttach(words)
    case "mountdevice": return try await mountDevice(words)
    case "unmountdevice": return try await unmountDevice(words)
    case "expandfs": return try await expand(words)
    case "status":
      return HandledCall(reply: try await StatusReporter(context: context, release: release).reply(), undo: nil)
    case "remove": return try await remove(words)
    case "retain": return try await retain(words, true)
    case "unretain": return try await retain(words, false)
    default: return HandledCall(reply: try controlPlaneReply(verb), undo: nil)
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

// MARK: - Calls of kubelet

extension CallHandler {
  /// `mount <pod directory> [<device>] <options>`; the device only before Kubernetes 1.6.
  private func mount(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 2 || words.count == 3 else { throw usage("mount", "<pod directory> <options>", words) }
    let (target, options) = try pod(words[0], options: words[words.count - 1])
    let publisher = Publisher(context: context)
    let outcome = try await publisher.publish(target, options)
    // A mount that was there before belongs to a pod that runs: it is not this call's to take back.
    guard case .changed(let call) = outcome else { return HandledCall(reply: .success, undo: nil) }
    return HandledCall(reply: .success) { [log = context.log] in
      do throws(VolumeError) {
        guard try await publisher.takeBack(target, call: call) else { return }
        log.notice("mount taken back, the caller had gone", ["volume": target.volume.text])
      } catch {
        log.error("mount can not be taken back", ["volume": target.volume.text, "reason": "\(error)"])
      }
    }
  }

  /// `unmount <pod directory>`
  private func unmount(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmount", "<pod directory>", words) }
    let target = try TargetPath(words[0], kubeletRoot: context.settings.kubeletRoot)
    guard case .pod = target.kind else { throw wrongKind(words[0], "a pod's volume directory") }
    try await Publisher(context: context).unpublish(target)
    return HandledCall(reply: .success, undo: nil)
  }

  /// `waitforattach <device> <options>`
  private func waitForAttach(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 2 else { throw usage("waitforattach", "<device> <options>", words) }
    let options = try VolumeOptions(json: words[1])
    guard let name = options.volume else {
      throw VolumeError(.invalid, "the options of waitforattach do not name a volume (kubernetes.io/pvOrVolumeName)")
    }
    return HandledCall(
      reply: .device(try await DeviceMounter(context: context).waitForAttach(name, options)), undo: nil)
  }

  /// `mountdevice <global directory> <device> <options>`
  private func mountDevice(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 3 else { throw usage("mountdevice", "<global directory> <device> <options>", words) }
    let target = try TargetPath(words[0], kubeletRoot: context.settings.kubeletRoot)
    guard target.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    let options = try VolumeOptions(json: words[2])
    try requireSameName(target, options)
    try await DeviceMounter(context: context).mountDevice(target, options)
    return HandledCall(reply: .success, undo: nil)
  }

  /// `unmountdevice <global directory>`
  private func unmountDevice(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmountdevice", "<global directory>", words) }
    let target = try TargetPath(words[0], kubeletRoot: context.settings.kubeletRoot)
    guard target.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    try await DeviceMounter(context: context).unmountDevice(target)
    return HandledCall(reply: .success, undo: nil)
  }

  /// `expandfs <options> <device> <directory> <new bytes> <old bytes>`
  private func expand(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 5 else {
      throw usage("expandfs", "<options> <device> <directory> <new bytes> <old bytes>", words)
    }
    let options = try VolumeOptions(json: words[0])
    let target = try TargetPath(words[2], kubeletRoot: context.settings.kubeletRoot)
    try requireSameName(target, options)
    guard let size = ByteCount(decimal: words[3]), size > .zero, size.bytes <= UInt64(Int64.max) else {
      throw VolumeError(.invalid, "the new size \(quoted(words[3])) is no positive decimal number of bytes")
    }
    try await Expander(context: context).expand(target, to: size)
    return HandledCall(reply: .success, undo: nil)
  }

  private func pod(
    _ path: String, options text: String
  ) throws(VolumeError) -> (TargetPath, VolumeOptions) {
    let target = try TargetPath(path, kubeletRoot: context.settings.kubeletRoot)
    guard case .pod = target.kind else { throw wrongKind(path, "a pod's volume directory") }
    let options = try VolumeOptions(json: text)
    try requireSameName(target, options)
    return (target, options)
  }

  private func requireSameName(_ target: TargetPath, _ options: VolumeOptions) throws(VolumeError) {
    guard let name = options.volume, name != target.volume else { return }
    throw VolumeError(
      .invalid, "the directory is volume \(target.volume)'s, the options name volume \(name); one of them is wrong")
  }

  private func wrongKind(_ path: String, _ wanted: String) -> VolumeError {
    VolumeError(.invalid, "\(quoted(path)) is not \(wanted)")
  }

  private func usage(_ verb: String, _ form: String, _ words: [String]) -> VolumeError {
    VolumeError(.invalid, "\(verb) wants \(form), got \(words.count) argument\(words.count == 1 ? "" : "s")")
  }
}

// MARK: - Calls of our own tool

extension CallHandler {
  /// `remove <volume> [<claim uid>]`
  private func remove(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 || words.count == 2 else { throw usage("remove", "<volume> [<claim uid>]", words) }
    let name = try VolumeName(words[0])
    var claim: ClaimUID?
    if words.count == 2 {
      claim = ClaimUID(words[1])
      if claim == nil { throw VolumeError(.invalid, "\(quoted(words[1])) is no claim UID") }
    }
    let outcome = try await Reclaimer(context: context).remove(name, claim: claim)
    let message = outcome.isChange ? "volume \(name) removed" : "there is no volume \(name); nothing to do"
    return HandledCall(reply: Reply(.success, message: message), undo: nil)
  }

  private func retain(_ words: [String], _ isRetained: Bool) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage(isRetained ? "retain" : "unretain", "<volume>", words) }
    let name = try VolumeName(words[0])
    try await Reclaimer(context: context).setRetained(name, isRetained)
    return HandledCall(
      reply: Reply(.success, message: "volume \(name) is \(isRetained ? "" : "no longer ")retained"), undo: nil)
  }
}
