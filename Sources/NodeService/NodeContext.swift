package import LinuxSystem
package import LogicalVolumes
internal import StorageModel
package import Telemetry

/// The shared state of all parts of the service. Time and randomness are parameters.
package struct NodeContext: Sendable {
  package let configuration: NodeConfiguration
  package let engine: any VolumeEngine
  package let system: any NodeSystem
  /// The doors through which volumes are requested.
  package let doors: [any Door]
  package let permits: FormatPermits
  package let locks: VolumeLocks
  package let mountAnswers: MountAnswers
  package let conditions: KnownConditions
  package let unknownAges: UnknownAges
  package let steps: StepPoints
  package let cluster: any ClusterKnowledge
  package let log: Log
  package let metrics: Metrics
  package let startedAt: Duration
  /// The time by which the present call must be answered, of `MonotonicClock`; nil if no caller waits.
  var answerBy: Duration?
  package let now: @Sendable () -> Timestamp
  package let freshToken: @Sendable () -> CreationToken

  package init(
    configuration: NodeConfiguration, engine: any VolumeEngine, system: any NodeSystem, doors: [any Door] = [],
    steps: StepPoints = .none,
    cluster: any ClusterKnowledge = NoCluster(), log: Log,
    metrics: Metrics = Metrics(), now: @escaping @Sendable () -> Timestamp = { WallClock.now() },
    freshToken: @escaping @Sendable () -> CreationToken = NodeContext.randomToken,
    unknownAges: UnknownAges = UnknownAges()
  ) {
    self.configuration = configuration
    self.engine = engine
    self.system = system
    self.doors = doors
    self.steps = steps
    self.cluster = cluster
    self.log = log
    self.metrics = metrics
    self.now = now
    self.freshToken = freshToken
    startedAt = MonotonicClock.now()
    permits = FormatPermits(directory: configuration.permitDirectory)
    locks = VolumeLocks()
    mountAnswers = MountAnswers()
    conditions = KnownConditions()
    self.unknownAges = unknownAges
  }

  package static let randomToken: @Sendable () -> CreationToken = {
    var generator = SystemRandomNumberGenerator()
    return CreationToken(using: &generator)
  }

  /// Runs a phase of a call and measures its duration.
  func measure<Value>(
    _ phase: Metrics.Phase, _ body: () async throws(VolumeError) -> Value
  ) async throws(VolumeError) -> Value {
    let start = MonotonicClock.now()
    let value = try await body()
    metrics.record(phase, MonotonicClock.now() - start)
    return value
  }
}
