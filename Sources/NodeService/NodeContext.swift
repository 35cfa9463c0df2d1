package import LinuxSystem
package import LogicalVolumes
internal import StorageModel
package import Telemetry

/// What every part of the service works with. Time and randomness come from outside.
package struct NodeContext: Sendable {
  package let configuration: NodeConfiguration
  package let engine: any VolumeEngine
  package let system: any NodeSystem
  /// The ways by which volumes are asked for here.
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
  /// When the call that this is for is to be answered, by `MonotonicClock`; nil for what nobody waits for.
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

  /// Runs a phase of a call and measures how long it took.
  func measure<Value>(
    _ phase: Metrics.Phase, _ body: () async throws(VolumeError) -> Value
  ) async throws(VolumeError) -> Value {
    let start = MonotonicClock.now()
    let value = try await body()
    metrics.record(phase, MonotonicClock.now() - start)
    return value
  }
}
