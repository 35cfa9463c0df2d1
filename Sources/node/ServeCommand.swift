import CommandLineTool
import Controllers
import FlexDoor
import KubernetesAPI
import LinuxSystem
import LogicalVolumes
import NodeCalls
import NodeReconciler
import NodeService
import StorageModel
import Telemetry

/// `serve`: creates the parts and runs the daemon.
enum ServeCommand {
  /// The capabilities that the daemon and its tools need. A system test removes each and checks what fails.
  static let capabilities: [Capability] = [
    // mount(2), the device mapper, loop devices
    .administer,
    // device nodes where no udev makes them
    .makeDeviceNodes,
    // the mount tables of other namespaces, which may hold a volume that is to be removed
    .ptrace,
    // a mounted file system grows through its root, which is the user's; a directory volume's files are the user's
    .overridePermissions, .actAsOwner,
    // the growth of a mounted ext4; PR_SET_IO_FLUSHER
    .exceedResources,
  ]

  static func run(_ configuration: Configuration) async throws(VolumeError) -> Int32 {
    let (log, writer, tasks) = try output(configuration)
    defer { writer.flush(within: .seconds(2)) }
    let capabilities = Capability.effective.map(\.name).joined(separator: ",")
    log.notice("configuration", configuration.summary.merging(["capabilities": capabilities]) { $1 })
    if let fault = configuration.fault {
      log.warning("a fault will be injected (ELASTIC_LOCAL_FAULT); for tests only", ["point": fault.point.rawValue])
    }
    let nodeConfiguration = try configuration.node.preparingStateDirectory()
    let (engine, system) = parts(configuration, stateDirectory: nodeConfiguration.stateDirectory)
    let hasCluster = configuration.connection != nil
    let allowsInline = configuration.allowsInlineVolumes
    let knowledge = Knowledge(node: nodeConfiguration.nodeName, allowsInlineVolumes: allowsInline, log: log)
    let context = NodeContext(
      configuration: nodeConfiguration, engine: engine, system: system,
      doors: [FlexDoor(kubeletRoot: nodeConfiguration.kubeletRoot)],
      steps: configuration.fault?.stepPoints ?? .none,
      cluster: hasCluster ? knowledge : NoCluster(allowsCreation: allowsInline), log: log)
    let handler = CallHandler(context: context, [FlexCalls(), AdminCalls(release: ProductNames.release)])
    let daemon = NodeDaemon(
      handler: handler, socketPath: configuration.socket, metricsAddress: configuration.metricsAddress,
      release: ProductNames.release, cluster: try cluster(configuration, context, knowledge), tasks: tasks)
    try await daemon.run()
    return 0
  }

  private static func output(
    _ configuration: Configuration
  ) throws(VolumeError) -> (log: Log, writer: LineWriter, tasks: TaskWatch) {
    do throws(SystemError) {
      let (log, writer) = try Log.onStandardError(
        format: configuration.logFormat, node: configuration.node.nodeName)
      return (log, writer, try TaskWatch())
    } catch {
      throw VolumeError(.unavailable, "the threads of log and watchdog cannot be started: \(error)", cause: error)
    }
  }

  /// The connection to the API server; nil without one.
  private static func cluster(
    _ configuration: Configuration, _ context: NodeContext, _ knowledge: Knowledge
  ) throws(VolumeError) -> ClusterLink? {
    guard let connection = configuration.connection else { return nil }
    let identity = ClusterLink.Identity(
      node: context.configuration.nodeName, namespace: configuration.namespace, pod: configuration.podName,
      isThinByDefault: configuration.thinPool != nil)
    let api = try APIAccess(
      connection, component: "elastic-local-node", node: identity.node, log: context.log,
      complaint: "API server not read")
    return ClusterLink(api, identity: identity, context: context, knowledge: knowledge)
  }

  private static func parts(
    _ configuration: Configuration, stateDirectory state: String
  ) -> (any VolumeEngine, any NodeSystem) {
    let linux = LinuxNodeSystem(bindingDirectory: state + "/binding")
    switch configuration.engine {
    case .lvm:
      return (
        LVMEngine(
          options: LVMOptions(
            groups: configuration.volumeGroups, thinPool: configuration.thinPool,
            thinOverprovision: configuration.thinOverprovision, systemDirectory: state + "/lvm",
            udev: configuration.udev)), linux
      )
    case .file: return (RecordedEngine.images(in: state + "/images"), linux)
    case .directory: return (RecordedEngine.directories(in: state + "/directories"), linux)
    case .simulated:
      let world = SimulatedWorld()
      return (SimulatedEngine(world: world), SimulatedNodeSystem(world: world))
    }
  }
}
