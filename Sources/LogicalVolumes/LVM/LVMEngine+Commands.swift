internal import LinuxSystem
internal import StorageModel

// Running commands.
extension LVMEngine {
  func run(_ command: LVMCommand) throws(VolumeError) -> LVMSession.Result {
    let result = try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
    // LVM has done nothing then.
    guard result.saysDuplicateNames, let group = command.group, narrowed[group] == nil, try filterByUUID(group) else {
      return result
    }
    return try waitingForLocks { () throws(VolumeError) in try openSession().run(narrow(command)) }
  }

  /// How long a command waits for a lock that somebody else holds.
  static let lockPatience = Duration.seconds(10)

  /// Runs a command again while somebody else has locked what it needs.
  private func waitingForLocks(
    _ command: () throws(VolumeError) -> LVMSession.Result
  ) throws(VolumeError) -> LVMSession.Result {
    let limit = MonotonicClock.now() + Self.lockPatience
    var result = try command()
    while let lock = result.lockHeldElsewhere, MonotonicClock.now() < limit {
      recorder.whileReading {
        repeat {
          ThreadSleep.sleep(.milliseconds(20))
          // Where it cannot be told the command is tried.
        } while (try? ExclusiveLock.isHeld(lock)) == true && MonotonicClock.now() < limit
      }
      result = try command()
    }
    return result
  }

  /// The session, anew when devices files have changed since it was opened.
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
