import CommandLineTool
import Controllers

/// The help text.
enum Usage {
  static var text: String {
    """
    elastic-local-node: node-local volumes for Kubernetes, the daemon of a node

    usage:
      elastic-local-node serve [options]             serve this node's kubelet until SIGTERM
      elastic-local-node status [--json]             show volumes, groups and work of the running daemon
      elastic-local-node remove VOLUME [--claim UID] remove an unused volume; its data is gone
      elastic-local-node retain VOLUME               mark a volume as retained, so that it is not removed
      elastic-local-node unretain VOLUME             clear that mark
      elastic-local-node version | help

    options of serve (flag, or environment variable):
    \((NodeSetting.allCases.map(\.usage) + APISetting.allCases.map(\.usage)).joined(separator: "\n"))

    status, remove, retain and unretain find the daemon by --socket or ELASTIC_LOCAL_SOCKET.
    """
  }
}
