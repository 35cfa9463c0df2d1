package import LinuxSystem
package import Telemetry

extension ControllerHost {
  /// How the pages of a program are made that does nothing but host controllers: `/healthz`, `/readyz`, `/metrics`; nil for
  /// other paths.
  ///
  /// - Parameter metrics: makes the text of `/metrics`.
  package func page(
    _ path: String, tasks: TaskWatch, metrics: @escaping @Sendable () async -> String
  ) -> PageServer.Source? {
    switch path {
    // Alive: what does not end in time ends the process by itself.
    case "/healthz":
      let stalled = tasks.stalled
      return .now(
        stalled < .seconds(60)
          ? .init("ok\n") : .init(503, "tasks have not had their turn for \(stalled.components.seconds) s\n"))
    case "/readyz": return .now(hasBeenHeard ? .init("ok\n") : .init(503, "the API server has not answered yet\n"))
    case "/metrics": return .task { .init(await metrics()) }
    default: return nil
    }
  }
}
