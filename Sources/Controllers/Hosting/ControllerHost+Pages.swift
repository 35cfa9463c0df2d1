package import LinuxSystem
package import Telemetry

extension ControllerHost {
  /// The pages of a program that only hosts controllers: `/healthz`, `/readyz` and `/metrics`; nil for other paths.
  ///
  /// - Parameter metrics: returns the text of `/metrics`.
  package func page(
    _ path: String, tasks: TaskWatch, metrics: @escaping @Sendable () async -> String
  ) -> PageServer.Source? {
    switch path {
    // Healthy: a program whose work does not end in time ends itself.
    case "/healthz":
      let stalled = tasks.stalled
      return .now(
        stalled < .seconds(60)
          ? .init("ok\n") : .init(503, "no task has run for \(stalled.components.seconds) s\n"))
    case "/readyz": return .now(hasBeenHeard ? .init("ok\n") : .init(503, "the API server has not answered yet\n"))
    case "/metrics": return .task { .init(await metrics()) }
    default: return nil
    }
  }
}
