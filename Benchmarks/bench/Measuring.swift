import LinuxSystem

/// What measures runs on a thread of its own: it blocks, and nothing else waits meanwhile.
@globalActor
actor Measuring {
  static let shared = Measuring()

  private nonisolated let executor = SerialThreadExecutor(name: "measuring")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
}
