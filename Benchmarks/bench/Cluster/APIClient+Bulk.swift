import KubernetesAPI

extension APIClient {
  /// Runs the body for each number, with as many requests at once as keep an API server of a few processors busy.
  func each(_ numbers: some Sequence<Int>, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, number) in numbers.enumerated() {
        if index >= 24 { try await group.next() }
        group.addTask { try await body(number) }
      }
      try await group.waitForAll()
    }
  }

  /// All PVs of the selection.
  func volumes(_ selection: Selection = .all) async throws -> [PersistentVolume] {
    var volumes: [PersistentVolume] = []
    try await list(PersistentVolume.self, selection) { volumes.append($0) }
    return volumes
  }
}
