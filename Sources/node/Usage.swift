/// The help text.
enum Usage {
  static var text: String {
    """
    elastic-local-node: node-local volumes for Kubernetes, the daemon of a node

    usage:
      elastic-local-node serve [options]             serve this node's kubelet until SIGTERM
      elastic-local-node status [--json]             what the running daemon has and does
      elastic-local-node remove VOLUME [--claim UID] remove a volume that is proven dead; its data is gone
      elastic-local-node retain VOLUME               keep a volume from being removed
      elastic-local-node unretain VOLUME             clear that mark
      elastic-local-node version | help

    options of serve (flag, or environment variable):
    \(Setting.allCases.map(line).joined(separator: "\n"))

    status, remove, retain and unretain find the daemon by --socket or ELASTIC_LOCAL_SOCKET.
    """
  }

  private static func line(_ setting: Setting) -> String {
    let flag = "--\(setting.rawValue) \(setting.valueName)"
    let names = ([setting.environmentName] + setting.formerNames).joined(separator: ", ")
    let standard = setting.standard.map { " (default \($0))" } ?? ""
    let padding = String(repeating: " ", count: max(1, 30 - flag.count))
    return "  \(flag)\(padding)\(setting.help)\(standard)\n" + String(repeating: " ", count: 32) + names
  }
}
