/// A command that the client answers without the daemon. `init` must be instant and must not depend on the daemon. The
/// others run in the controller-manager, on hosts without a daemon.
struct LocalCommand {
  let name: StaticString
  /// The fewest arguments after the command. Further arguments are ignored.
  let minimumArguments: Int
  /// The arguments, for the message of a rejected call.
  let wants: StaticString
  /// The whole output.
  let reply: StaticString

  /// Returns the command of that name. Nil if the daemon handles it.
  static func named(_ name: UnsafeBufferPointer<UInt8>, attach: Bool) -> LocalCommand? {
    if name.equals("init") { return initialize(attach: attach) }
    return others.first { name.equals($0.name) }
  }

  private static func initialize(attach: Bool) -> LocalCommand {
    LocalCommand(
      name: "init", minimumArguments: 0, wants: "nothing", reply: attach ? initWithAttach : initWithoutAttach)
  }

  private static let others: [LocalCommand] = [
    // Kubernetes up to 1.5 omits the node name.
    LocalCommand(name: "attach", minimumArguments: 1, wants: "<json options> [<node name>]", reply: success),
    // Kubernetes up to 1.8 has the two in the other order.
    LocalCommand(name: "isattached", minimumArguments: 2, wants: "<json options> <node name>", reply: attached),
    // Kubernetes up to 1.5 passes only a device.
    LocalCommand(name: "detach", minimumArguments: 1, wants: "<volume name> [<node name>]", reply: success),
    // Removed in Kubernetes 1.9.
    LocalCommand(name: "waitfordetach", minimumArguments: 1, wants: "<device path>", reply: success),
    // The kubelet asks often and never uses the answer. After "Not supported" it asks only once.
    LocalCommand(name: "getvolumename", minimumArguments: 1, wants: "<json options>", reply: notSupported),
    // The controller only changes the recorded size. expandfs on the node does the work.
    LocalCommand(
      name: "expandvolume", minimumArguments: 4, wants: "<json options> <mount directory> <new bytes> <old bytes>",
      reply: success),
  ]

  private static let success: StaticString = "{\"status\":\"Success\"}\n"
  private static let attached: StaticString = "{\"status\":\"Success\",\"attached\":true}\n"
  private static let notSupported: StaticString = "{\"status\":\"Not supported\"}\n"

  // Two complete lines instead of one composed line: the kubelet holds locks during `init`, so the client should only
  // write.
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
