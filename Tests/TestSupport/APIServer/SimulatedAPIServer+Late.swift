internal import KubernetesAPI

// Requests whose answers were lost and that are carried out later.
extension SimulatedAPIServer {
  struct LateRequest {
    var request: HTTPRequest
    var since: Duration
    /// Whether it is carried out only when somebody has been told that its object is not there.
    var isBehindMiss: Bool
  }

  /// Later than this no request is carried out: kube-apiserver's `--request-timeout`, unless set.
  package static let requestLimit = Duration.seconds(60)

  /// Carries out all requests that are late.
  package func carryOutLate() {
    change(isRequested: true) { state in
      let late = state.late
      state.late = []
      for entry in late { lose(entry.request, &state) }
    }
  }

  /// What is late is carried out some time while other requests come.
  func carryOutSomeLate(_ state: inout State) {
    let late = state.late
    state.late = []
    for entry in late {
      let isDue = time.now - entry.since >= Self.requestLimit
      let isNow = !entry.isBehindMiss && state.faults.carriesOutNow()
      if isNow || isDue { lose(entry.request, &state) } else { state.late.append(entry) }
    }
  }

  /// Somebody has asked for an object, and is told that it is not there: now it comes.
  func carryOutBehindMiss(_ request: HTTPRequest, _ state: inout State) {
    let path = request.objectPath
    let late = state.late.filter { $0.isBehindMiss && $0.request.objectPath == path }
    guard !late.isEmpty else { return }
    state.late.removeAll { $0.isBehindMiss && $0.request.objectPath == path }
    for entry in late { lose(entry.request, &state) }
  }

  /// Carries out a request that nobody gets the answer of.
  func lose(_ request: HTTPRequest, _ state: inout State) {
    if case .watch(let id) = answer(request, &state) { state.watches[id] = nil }
  }
}
