import Glibc
import LinuxSystem
import NodeProtocol
import StorageModel
import VolumeHost

/// The result of a call.
struct Answer: Sendable, CustomStringConvertible {
  let question: String
  /// Nil is success.
  let failure: String?

  var isSuccess: Bool { failure == nil }
  var description: String { "\(question): \(failure ?? "success")" }
}

/// Makes calls like a kubelet, with its command lines, directories and clean-up, one at a time; and like an operator.
struct Caller: Sendable {
  let place: Daemon.Place
  let plugins: String
  /// Runs between `waitforattach` and `mountdevice`, and after `mountdevice`.
  var onAttached: @Sendable (_ device: String) throws -> Void = { _ in }

  static let driverName: DriverName = {
    guard let name = DriverName("volumes.k8s.elastic.co/elastic-local") else { preconditionFailure("a driver's name") }
    return name
  }()

  private var paths: HostPaths { HostPaths(root: place.kubelet) }

  /// The client's time limit in seconds.
  var timeout = 40

  func podDirectory(_ volume: String, _ pod: String) -> String {
    paths.volume(volume, ofPod: uid(volume, pod), driver: Self.driverName)
  }

  func globalDirectory(_ volume: String) -> String { paths.deviceMount(volume, driver: Self.driverName) }

  func executable(attaches: Bool) -> String {
    "\(plugins)/\(attaches ? "attach" : "plain")/\(Self.driverName.executable)"
  }

  private func uid(_ volume: String, _ pod: String) -> String { "\(pod)-\(volume)" }

  private func driver(_ new: Operation.NewVolume) -> FlexDriver {
    let runner = ProcessRunner(
      environment: ["ELASTIC_LOCAL_SOCKET": place.socket, "ELASTIC_LOCAL_TIMEOUT": "\(timeout)"])
    return FlexDriver(
      name: Self.driverName, executable: executable(attaches: new.attaches), version: .newest, runner: runner)
  }

  private func spec(_ new: Operation.NewVolume, readOnly: Bool = false) -> VolumeSpec {
    let options = ["sizeBytes": "\(new.mebibytes << 20)", "thin": "\(new.isThin)"]
    let source = FlexSource(driver: Self.driverName.description, fsType: new.fileSystem, options: options)
    return .persistent(new.name, source, claimReadOnly: readOnly)
  }

  private func perform(_ call: DriverCall, _ driver: FlexDriver) async -> (Answer, device: String) {
    switch await driver.perform(call) {
    case .success(let reply): (Answer(question: call.command.rawValue, failure: nil), reply.device)
    case .notSupported: (Answer(question: call.command.rawValue, failure: "Not supported"), "")
    case .failure(let reason): (Answer(question: call.command.rawValue, failure: reason), "")
    }
  }
}

// MARK: - The kubelet's calls

extension Caller {
  /// The calls for a pod's start: with an attaching driver first those for the device, then the one for the pod's
  /// directory.
  func mount(_ new: Operation.NewVolume, _ pod: String, readOnly: Bool) async throws -> Answer {
    let driver = driver(new)
    if new.attaches {
      let attached = try await attach(new, driver)
      guard attached.isSuccess else { return attached }
    }
    let directory = podDirectory(new.name, pod)
    try Files.makeDirectories(directory, mode: 0o750)
    let (answer, _) = await perform(mountCall(new, pod, readOnly: readOnly), driver)
    if !answer.isSuccess { rmdir(directory) }
    return answer
  }

  func mountCall(_ new: Operation.NewVolume, _ pod: String, readOnly: Bool) -> DriverCall {
    let uid = uid(new.name, pod)
    let spec = spec(new, readOnly: readOnly)
    return driver(new).calls.mount(
      spec, directory: podDirectory(new.name, pod), pod: Pod(name: uid, uid: uid, volumes: [spec]))
  }

  private func attach(_ new: Operation.NewVolume, _ driver: FlexDriver) async throws -> Answer {
    let spec = spec(new)
    let (attached, device) = await perform(driver.calls.waitForAttach(spec, device: ""), driver)
    guard attached.isSuccess else { return attached }
    try onAttached(device)
    let directory = globalDirectory(new.name)
    try Files.makeDirectories(directory, mode: 0o750)
    let (answer, _) = await perform(driver.calls.mountDevice(spec, directory: directory, device: device), driver)
    if !answer.isSuccess { rmdir(directory) }
    return answer
  }

  /// The calls for a pod's end. The kubelet removes the directory, and anything left in it is a failure.
  func unmount(_ new: Operation.NewVolume, _ pod: String, isLast: Bool) async throws -> Answer {
    let driver = driver(new)
    let directory = podDirectory(new.name, pod)
    let answer = await takeDown(directory, driver.calls.unmount(directory: directory), driver)
    guard answer.isSuccess, new.attaches, isLast else { return answer }
    let global = globalDirectory(new.name)
    return await takeDown(global, driver.calls.unmountDevice(directory: global), driver)
  }

  private func takeDown(_ directory: String, _ call: DriverCall, _ driver: FlexDriver) async -> Answer {
    let (answer, _) = await perform(call, driver)
    guard answer.isSuccess, rmdir(directory) != 0, errno != ENOENT else { return answer }
    return Answer(question: answer.question, failure: "\(directory) cannot be removed: \(Errno.current)")
  }

  func grow(_ new: Operation.NewVolume, _ pod: String, mebibytes: Int) async throws -> Answer {
    let driver = driver(new)
    let directory = new.attaches ? globalDirectory(new.name) : podDirectory(new.name, pod)
    let call = driver.calls.expandFileSystem(
      spec(new), device: new.attaches ? Group.device(new.name) : "", directory: directory, to: Int64(mebibytes) << 20,
      from: Int64(new.mebibytes) << 20)
    guard let call else { throw TortureError("a kubelet of this version grows no volume") }
    return await perform(call, driver).0
  }

  /// Clients that wait for an answer about a volume.
  func clients(of volume: String) throws -> [pid_t] {
    try Files.list("/proc").compactMap { pid_t($0) }.filter { process in
      guard let line = try? Files.readText("/proc/\(process)/cmdline") else { return false }
      return line.hasPrefix(plugins) && line.contains(volume)
    }
  }
}

// MARK: - An operator's calls

extension Caller {
  /// `elastic-local-node remove`, `retain`, `status`.
  func ask(_ words: String...) async -> Answer {
    let question = words.joined(separator: " ")
    let socket = place.socket
    let timeout = timeout
    return await Self.pool.run {
      do throws(VolumeError) {
        let reply = try NodeClient.call(Request(words), socket: socket, deadline: .seconds(timeout))
        return Answer(question: question, failure: reply.isSuccess ? nil : reply.message ?? reply.status)
      } catch {
        return Answer(question: question, failure: error.message)
      }
    }
  }

  /// Sends a request like the client, and disconnects before the answer.
  func abandon(_ words: [String], afterMicroseconds delay: Int) throws {
    let connection = try UnixSocket.connect(path: place.socket)
    try StreamIO.writeAll(connection, Request(words).encoded(), deadline: .seconds(5))
    usleep(UInt32(delay))
  }

  private static let pool = WorkerPool(name: "operator", limit: 4)
}
