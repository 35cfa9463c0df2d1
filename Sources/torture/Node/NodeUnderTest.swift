import Glibc
import LinuxSystem
import Synchronization
import VolumeHost

/// The node under test: its disk, daemon, programs and callers. All of it is below one directory, in its own machine.
final class NodeUnderTest: Sendable {
  let place: Daemon.Place
  let disk: Disk
  let standIns: StandIns
  let cluster = APIStandIn()
  let peers = RudePeers()
  let recordsDirectory: String
  private let products: String
  private let running = Mutex<Daemon?>(nil)
  private let held = Mutex<Int32?>(nil)
  private let found = Mutex<[Finding]>([])

  /// Its name in the cluster, which is also its hostname there.
  static let name = "torture"
  /// The namespace of its NodeStorage object.
  static let namespace = "elastic-local"

  init(products: String, recordsDirectory: String, disks: [String]) {
    place = Daemon.Place(executable: products + "/elastic-local-node", root: "/run/torture")
    disk = Disk(disk: disks[0], log: disks[1])
    standIns = StandIns(record: recordsDirectory + "/tools.log", control: "/run/torture/control")
    self.recordsDirectory = recordsDirectory
    self.products = products
  }

  var caller: Caller { Caller(place: place, plugins: plugins) }
  var daemon: Daemon? { running.withLock { $0 } }
  private var plugins: String { place.root + "/plugins" }

  // MARK: the machine's start

  /// Starts the machine. The first time the disk is empty.
  func boot(isFirst: Bool) async throws {
    try await disk.assemble()
    if isFirst { try await prepareDisk() }
    for (device, path) in [(Disk.state, place.state), (Disk.kubelet, place.kubelet)] {
      try Files.makeDirectories(path, mode: 0o755)
      try Mounting.mount(device: device, atPath: path, fileSystem: "ext4", flags: [], data: "")
    }
    try standIns.install()
    try installClients()
    try setAddress(.four)
    try cluster.listen()
    if !isFirst { try await Administrator(node: self).restoreTornGroup() }
    try await Group.activateForeign()
  }

  private func prepareDisk() async throws {
    for device in [Disk.state, Disk.kubelet] { try await Shell.run("mkfs.ext4", "-q", "-F", "-m", "0", device) }
    try await Group.make()
    try await Shell.run("sync")
  }

  private func installClients() throws {
    for (kind, product) in [("plain", "elastic-local"), ("attach", "elastic-local-attach")] {
      let directory = "\(plugins)/\(kind)/\(Caller.driverName.directory)"
      try Files.makeDirectories(directory, mode: 0o755)
      let program = try Files.readAll("\(products)/\(product)", limit: 64 << 20)
      try Files.writeDurably(program, to: "\(plugins)/\(kind)/\(Caller.driverName.executable)", mode: 0o755)
    }
  }

  // MARK: the cluster

  /// Sets the API server's address for the next start of the daemon.
  func setAddress(_ address: APIStandIn.Address) throws {
    let text = """
      {"current-context": "lab", "contexts": [{"name": "lab", "context": {"cluster": "lab"}}],
       "clusters": [{"name": "lab", "cluster": {"server": "http://\(address.rawValue)"}}]}
      """
    try Files.writeDurably(Array(text.utf8), to: place.kubeconfig, mode: 0o600)
  }

  /// Waits until the daemon has read and watches all PVs of its node.
  func waitUntilDaemonWatches(since former: Int) async throws {
    let limit = MonotonicClock.now() + .seconds(30)
    while cluster.watches == former {
      guard MonotonicClock.now() < limit else {
        throw Finding("the daemon has not read the PVs of its node for 30 s: \(daemon?.log.suffix(600) ?? "")")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Records a finding of a task that cannot end the run.
  func record(_ finding: Finding) { found.withLock { $0.append(finding) } }
  func takeFindings() -> [Finding] {
    found.withLock { found in
      defer { found = [] }; return found
    }
  }

  // MARK: the daemon

  func startDaemon(fault: String? = nil, logsUnread: Bool = false) async throws {
    let daemon = try await Daemon(place, fault: fault, logsUnread: logsUnread)
    running.withLock { $0 = daemon }
    if !daemon.isRunning {
      try takeLog()
      throw Finding("the daemon does not start: \(daemon.log.suffix(600))")
    }
  }

  /// Kills the daemon if it runs, and starts it again.
  func restartDaemon(fault: String? = nil, logsUnread: Bool = false) async throws {
    try await daemon?.kill9()
    try takeLog()
    try await startDaemon(fault: fault, logsUnread: logsUnread)
  }

  /// Starts the daemon without waiting until it serves.
  func launchDaemon() async throws {
    let daemon = try await Daemon(place, waits: false)
    running.withLock { $0 = daemon }
  }

  /// Kills the daemon, starts it, kills it during its start, and starts it again.
  func interruptStart(afterMilliseconds delay: Int) async throws {
    try await daemon?.kill9()
    try takeLog()
    try await launchDaemon()
    try await Task.sleep(for: .milliseconds(delay))
    try await restartDaemon()
  }

  /// Appends the output of an ended daemon to a file in the records directory.
  func takeLog() throws {
    guard let daemon, !daemon.isRunning else { return }
    let file = try Descriptor.open(recordsDirectory + "/daemon.log", O_WRONLY | O_APPEND | O_CREAT, mode: 0o644)
    let bytes = Array((daemon.log + "-- ended: \(daemon.status.map { "\($0)" } ?? "?")\n").utf8)
    guard bytes.withUnsafeBytes({ write(file.rawValue, $0.baseAddress, $0.count) }) == bytes.count else {
      throw SystemError(operation: "write", subject: recordsDirectory + "/daemon.log", errno: .current)
    }
  }
}

// MARK: - Another user

extension NodeUnderTest {
  /// Opens a device exclusively. No other process may use it until ``letGo()``.
  func hold(_ device: String) throws {
    let number = try Descriptor.open(device, O_RDONLY | O_EXCL).release()
    held.withLock { $0 = number }
    try standIns.recordHeld(true)
  }

  func letGo() throws {
    try standIns.recordHeld(false)
    guard let number = held.withLock({ $0.take() }) else { return }
    close(number)
  }
}

/// An error of the product.
struct Finding: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
