internal import LinuxSystem
package import NodeProtocol
internal import StorageModel
internal import Telemetry

/// The reply to a call, and how to take the call back: when nobody is there any more to read the reply, or when kubelet does
/// not see what the reply says is mounted.
package struct HandledCall: Sendable {
  package typealias Undo = @Sendable (_ reason: String) async -> Void

  package let reply: Reply
  package let undo: Undo?

  init(reply: Reply, undo: Undo? = nil) {
    self.reply = reply
    self.undo = undo
  }
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
      let subject = CallSubject(arguments, kubeletRoot: context.settings.kubeletRoot)
      log(error)(
        "call failed",
        [
          "verb": quoted(verb), "code": error.code.rawValue, "volume": subject.volume, "pod": subject.pod,
          "reason": "\(error)",
        ])
      return HandledCall(reply: Reply(error))
    }
  }

  /// The level at which a failure is logged: what nobody foresaw is an error; what passes by itself, or what kubelet only tries
  /// out, is no reason to look.
  private func log(_ error: VolumeError) -> (String, [String: String]) -> Void {
    switch error.code {
    case .unsupported, .cancelled, .inProgress: context.log.info
    case .internal: context.log.error
    default: context.log.warning
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
      return HandledCall(reply: try await StatusReporter(context: context, release: release).reply())
    case "remove": return try await remove(words)
    case "retain": return try await retain(words, true)
    case "unretain": return try await retain(words, false)
    default: return HandledCall(reply: try controlPlaneReply(verb))
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
    let (target, options) = try await pod(words[0], options: words[words.count - 1])
    let publisher = Publisher(context: context)
    return mounted(try await publisher.publish(target, options)) { (publication) async throws(VolumeError) in
      try await publisher.takeBack(publication)
    }
  }

  /// The reply that says that a volume is mounted, with what its directory shows.
  private func mounted(
    _ outcome: Outcome<Publication>,
    takeBack: @escaping @Sendable (Publication) async throws(VolumeError) -> Bool
  ) -> HandledCall {
    let publication = outcome.value
    var reply = Reply.success
    reply.shown = publication.view?.description
    // A mount that was there before belongs to a pod that runs: it is not this call's to take back.
    guard outcome.isChange else { return HandledCall(reply: reply) }
    return HandledCall(reply: reply) { [log = context.log] reason in
      let fields = ["volume": publication.target.volume.text, "reason": reason]
      do throws(VolumeError) {
        guard try await takeBack(publication) else { return }
        log.warning("mount taken back", fields)
      } catch {
        log.error("mount could not be taken back", fields.merging(["error": "\(error)"]) { $1 })
      }
    }
  }

  /// `unmount <pod directory>`
  private func unmount(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmount", "<pod directory>", words) }
    guard let target = try await targetToFree(words[0]) else { return HandledCall(reply: .success) }
    guard case .pod = target.kind else { throw wrongKind(words[0], "a pod's volume directory") }
    try await Publisher(context: context).unpublish(target)
    return HandledCall(reply: .success)
  }

  /// `waitforattach <device> <options>`
  private func waitForAttach(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 2 else { throw usage("waitforattach", "<device> <options>", words) }
    let options = try VolumeOptions(json: words[1])
    guard let name = options.volume else {
      throw VolumeError(.invalid, "the options of waitforattach do not name a volume (kubernetes.io/pvOrVolumeName)")
    }
    return HandledCall(
      reply: .device(try await DeviceMounter(context: context).waitForAttach(name, options)))
  }

  /// `mountdevice <global directory> <device> <options>`
  private func mountDevice(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 3 else { throw usage("mountdevice", "<global directory> <device> <options>", words) }
    let target = try await target(words[0])
    guard target.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    let options = try VolumeOptions(json: words[2])
    try requireSameName(target, options)
    let mounter = DeviceMounter(context: context)
    return mounted(try await mounter.mountDevice(target, options)) { (publication) async throws(VolumeError) in
      try await mounter.takeBack(publication)
    }
  }

  /// `unmountdevice <global directory>`
  private func unmountDevice(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage("unmountdevice", "<global directory>", words) }
    guard let target = try await targetToFree(words[0]) else { return HandledCall(reply: .success) }
    guard target.kind == .global else { throw wrongKind(words[0], "the driver's global directory") }
    try await DeviceMounter(context: context).unmountDevice(target)
    return HandledCall(reply: .success)
  }

  /// `expandfs <options> <device> <directory> <new bytes> <old bytes>`
  private func expand(_ words: [String]) async throws(VolumeError) -> HandledCall {
    guard words.count == 5 else {
      throw usage("expandfs", "<options> <device> <directory> <new bytes> <old bytes>", words)
    }
    let options = try VolumeOptions(json: words[0])
    let target = try await target(words[2])
    try requireSameName(target, options)
    guard let size = ByteCount(decimal: words[3]), size > .zero, size.bytes <= UInt64(Int64.max) else {
      throw VolumeError(.invalid, "the new size \(quoted(words[3])) is no positive decimal number of bytes")
    }
    try await Expander(context: context).expand(target, to: size)
    return HandledCall(reply: .success)
  }

  private func pod(
    _ path: String, options text: String
  ) async throws(VolumeError) -> (TargetPath, VolumeOptions) {
    let target = try await target(path)
    guard case .pod = target.kind else { throw wrongKind(path, "a pod's volume directory") }
    let options = try VolumeOptions(json: text)
    try requireSameName(target, options)
    return (target, options)
  }

  private func target(_ path: String) async throws(VolumeError) -> TargetPath {
    try TargetPath(try await ownSpelling(path), kubeletRoot: context.settings.kubeletRoot)
  }

  /// The path with kubelet's root as we spell it: kubelet may name it by another link.
  private func ownSpelling(_ path: String) async throws(VolumeError) -> String {
    let root = context.settings.kubeletRoot
    guard !path.hasPrefix(root + "/"), !path.utf8.contains(0), let other = TargetPath.root(of: path),
      try await context.system.isSameDirectory(other, root)
    else { return path }
    return root + String(decoding: path.utf8.dropFirst(other.utf8.count), as: UTF8.self)
  }

  /// The target of an unmount. Nil when the directory cannot be a volume's and nothing is mounted there: kubelet asks until it
  /// is told Success, also where a mount was refused for its name.
  private func targetToFree(_ path: String) async throws(VolumeError) -> TargetPath? {
    let root = context.settings.kubeletRoot
    let own = try await ownSpelling(path)
    let parts = try TargetPath.Parts(own, kubeletRoot: root)
    do throws(VolumeError) {
      _ = try VolumeName(parts.name)
    } catch {
      guard SafePath.isPlain(parts.name) else { throw error }
      guard let real = try await context.system.resolve(root: root, components: parts.components),
        let top = try await context.system.mounts(at: real).last
      else { return nil }
      throw VolumeError(
        .conflict,
        "\(error.message), but \(quoted(top.source)) is mounted there, not by this driver; unmount it by hand")
    }
    return try TargetPath(own, kubeletRoot: root)
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
    let outcome = try await Reclaimer(context: context).remove(name, .byHand(claim))
    let message = outcome.isChange ? "volume \(name) removed" : "there is no volume \(name); nothing to do"
    return HandledCall(reply: Reply(.success, message: message))
  }

  private func retain(_ words: [String], _ isRetained: Bool) async throws(VolumeError) -> HandledCall {
    guard words.count == 1 else { throw usage(isRetained ? "retain" : "unretain", "<volume>", words) }
    let name = try VolumeName(words[0])
    try await Reclaimer(context: context).setRetained(name, isRetained)
    return HandledCall(
      reply: Reply(.success, message: "volume \(name) is \(isRetained ? "" : "no longer ")retained"))
  }
}
