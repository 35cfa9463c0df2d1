import LinuxSystem

/// Measurements run on their own thread. They block, and nothing else waits meanwhile.
@globalActor
actor Measuring {
  static let shared = Measuring()

  private nonisolated let executor = SerialThreadExecutor(name: "measuring")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
}
