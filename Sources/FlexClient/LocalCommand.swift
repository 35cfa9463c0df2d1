/// A command that the client answers by itself: `init` because it must be instant and must not depend on the daemon,
/// the others because they run in the controller-manager, on hosts that have no daemon.
struct LocalCommand {
  let name: StaticString
  /// Arguments after the command without which the call is a mistake; more are ignored.
  let minimumArguments: Int
  /// What the arguments are, for the message of a refusal.
  let wants: StaticString
  /// The whole output.
  let reply: StaticString

  /// The command of that name, or nil: then it is the daemon's.
  static func named(_ name: UnsafeBufferPointer<UInt8>, attach: Bool) -> LocalCommand? {
    if name.equals("init") { return initialize(attach: attach) }
    return others.first { name.equals($0.name) }
  }

  private static func initialize(attach: Bool) -> LocalCommand {
    LocalCommand(
      name: "init", minimumArguments: 0, wants: "nothing", reply: attach ? initWithAttach : initWithoutAttach)
  }

  private static let others: [LocalCommand] = [
    // Up to Kubernetes 1.5 the node name was missing.
    LocalCommand(name: "attach", minimumArguments: 1, wants: "<json options> [<node name>]", reply: success),
    // Up to Kubernetes 1.8 the two came in the other order.
    LocalCommand(name: "isattached", minimumArguments: 2, wants: "<json options> <node name>", reply: attached),
    // Up to Kubernetes 1.5 a device alone.
    LocalCommand(name: "detach", minimumArguments: 1, wants: "<volume name> [<node name>]", reply: success),
    // Gone since Kubernetes 1.9.
    LocalCommand(name: "waitfordetach", minimumArguments: 1, wants: "<device path>", reply: success),
    // The kubelet asks often and never uses the answer; "Not supported" makes it ask once.
    LocalCommand(name: "getvolumename", minimumArguments: 1, wants: "<json options>", reply: notSupported),
    // The controller only raises the size on paper; expandfs on the node does the work.
    LocalCommand(
      name: "expandvolume", minimumArguments: 4, wants: "<json options> <mount directory> <new bytes> <old bytes>",
      reply: success),
  ]

  private static let success: StaticString = "{\"status\":\"Success\"}\n"
  private static let attached: StaticString = "{\"status\":\"Success\",\"attached\":true}\n"
  private static let notSupported: StaticString = "{\"status\":\"Not supported\"}\n"

  // Two whole lines rather than one put together: `init` is held under the kubelet's locks and should only write.
  private static let initWithoutAttach: StaticString =
    """
    {"status":"Success","capabilities":{"attach":false,"fsGroup":true,"selinuxRelabel":true,\
    "supportsMetrics":true,"requiresFSResize":true}}

    """
  private static let initWithAttach: StaticString =
    """
    {"status":"Success","capabilities":{"attach":true,"fsGroup":true,"selinuxRelabel":true,\
    "supportsMetrics":true,"requiresFSResize":true}}

    """
}
