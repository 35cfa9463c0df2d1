internal import KubernetesAPI

// Controllers of Kubernetes that act on PVs and claims.
extension SimulatedAPIServer {
  /// Has a controller look at all PVs, once.
  package func act(_ controller: VolumeController) { change { controller.act(on: &$0.database) } }

  /// Has a controller act from now on in the same step as each change, or no longer.
  package func actsAtOnce(_ controller: VolumeController, _ isAtOnce: Bool = true) {
    change { state in
      guard isAtOnce else { return state.controllers[controller] = nil }
      controller.act(on: &state.database)
      state.controllers[controller] = state.database.version
    }
  }
}

extension SimulatedAPIServer.State {
  /// Lets the controllers that act at once look at what they have not seen, until there is nothing more.
  mutating func letControllersAct() {
    while let (controller, seen) = controllers.first(where: { $0.value < database.version }) {
      controllers[controller] = database.version
      controller.act(on: &database, after: seen)
    }
  }
}
