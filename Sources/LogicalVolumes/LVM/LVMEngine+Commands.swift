internal import LinuxSystem
internal import StorageModel

// Running commands.
extension LVMEngine {
  func run(_ command: LVMCommand) throws(VolumeError) -> LVMSession.Result {
    let result = try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
    // In this case LVM has done nothing.
    guard result.saysDuplicateNames, let group = command.group, narrowed[group] == nil, try filterByUUID(group) else {
      return result
    }
    return try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
  }

  /// How long a command waits for a lock that another program holds.
  static let lockPatience = Duration.seconds(10)

  /// Repeats a command while another program holds the lock that it needs.
  private func waitingForLocks(
    _ command: () throws(VolumeError) -> LVMSession.Result
  ) throws(VolumeError) -> LVMSession.Result {
    let limit = MonotonicClock.now() + Self.lockPatience
    var result = try command()
    while let lock = result.lockHeldElsewhere, MonotonicClock.now() < limit {
      recorder.whileReading {
        repeat {
          ThreadSleep.sleep(.milliseconds(20))
          // If the lock cannot be checked, the command is tried.
        } while (try? ExclusiveLock.isHeld(lock)) == true && MonotonicClock.now() < limit
      }
      result = try command()
    }
    return result
  }

  /// Returns the session. Opens it again if the devices files have changed since.
  func openSession() throws(VolumeError) -> LVMSession {
    guard isStarted else { throw VolumeError(.internal, "the LVM engine has not been started") }
    let current = DevicesFiles(systemDirectory: options.systemDirectory)
    if let session, devicesFiles == current { return session }
    session = nil  // the library has one at a time
    let opened = try LVMSession(systemDirectory: options.systemDirectory, recorder: recorder)
    (session, devicesFiles) = (opened, current)
    return opened
  }

  private func narrow(_ command: LVMCommand) -> LVMCommand {
    command.group.flatMap { narrowed[$0] }.flatMap { command.seeingOnly($0) } ?? command
  }
}
