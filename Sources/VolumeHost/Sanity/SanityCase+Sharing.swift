extension SanityCase {
  static let sharing = [
    SanityCase(
      "share/two-pods", "Two pods of a node can use one volume and see the same files.",
      otherwise: "The second pod does not start, or works on other data."
    ) { bench in
      let spec = bench.spec()
      try await bench.withVolume(spec) { first, _ in
        let second = bench.pod(spec)
        let path = try await bench.setUp(spec, second)
        let error = BenchFiles.write(first + "/shared", "x")
        let found = BenchFiles.read(path + "/shared")
        try await bench.tearDown(spec, second)
        try bench.require(error == nil && found == "x", "one pod does not see the file of the other")
        try bench.require(BenchFiles.read(first + "/shared") == "x", "the first pod lost its volume with the second")
      }
    },
    SanityCase(
      "share/at-once", "Concurrent mounts of one volume for several pods succeed.",
      otherwise: "Pods that start together do not start."
    ) { bench in
      let spec = bench.spec()
      try await bench.withVolume(spec) { _, _ in
        let pods = (0..<4).map { _ in bench.pod(spec) }
        let failures = await bench.atOnce(pods) { _ = try await bench.setUp(spec, $0) }
        let others = await bench.atOnce(pods) { try await bench.tearDown(spec, $0) }
        if let reason = (failures + others).first { throw SanityFailure(reason) }
      }
    },
    SanityCase(
      "share/volumes-at-once", "Concurrent mounts of several volumes succeed.",
      otherwise: "A pod with several volumes does not start."
    ) { bench in
      _ = try bench.announced()
      let pods = (0..<3).map { _ in bench.pod(bench.spec()) }
      let failures = await bench.atOnce(pods) { _ = try await bench.setUp($0.volumes[0], $0) }
      let others = await bench.atOnce(pods) { pod in
        try await bench.tearDown(pod.volumes[0], pod)
        try await bench.unmountAndDetach(pod.volumes[0])
      }
      if let reason = (failures + others).first { throw SanityFailure(reason) }
    },
  ]

  static let names = [
    SanityCase(
      "name/long", "Names of 63, 127 and 128 characters work, or are rejected and leave nothing behind.",
      otherwise: "Volumes with long names are cut to the same name, or stay mounted."
    ) { bench in
      for length in [63, 127, 128] {
        let start = "flex-sanity-\(SanityBench.number())-"
        try await bench.tryName(start + String(repeating: "x", count: length - start.utf8.count))
      }
    },
    SanityCase(
      "name/characters", "Names with '-', '.' and '_' work, or are rejected and leave nothing behind.",
      otherwise: "Volumes with such names do not work, or stay mounted."
    ) { bench in
      for name in ["a-b", "a.b", "a_b", "a--b", "1"] {
        try await bench.tryName("flex-sanity-\(SanityBench.number())-\(name)")
      }
    },
    SanityCase(
      "name/paths", "Names that are paths are rejected and mount nothing.",
      otherwise: "Anyone who can create PVs can mount or remove data of others."
    ) { bench in
      for name in ["..", ".", "../../escape", "a/b", "a\nb", "ü"] { try await bench.tryPath(name) }
    },
    SanityCase(
      "option/unknown", "A volume works with options that the driver does not know.",
      otherwise: "A newer kubelet, which sends one more option, cannot mount."
    ) { bench in
      var spec = bench.spec()
      spec.source.options["kubernetes.io/flex-sanity"] = "later"
      try await bench.withVolume(spec) { _, _ in }
    },
  ]
}

extension SanityBench {
  /// Runs `body` for all pods concurrently and returns the failures.
  func atOnce(_ pods: [Pod], _ body: @escaping @Sendable (Pod) async throws -> Void) async -> [String] {
    await withTaskGroup(of: String?.self) { group in
      for pod in pods {
        group.addTask {
          do {
            try await body(pod)
            return nil
          } catch let failure as SanityFailure {
            return failure.detail
          } catch { return "\(error)" }
        }
      }
      return await group.reduce(into: []) { if let reason = $1 { $0.append(reason) } }
    }
  }

  /// Requires that a name works, or is rejected by a proper failure that leaves nothing behind.
  func tryName(_ name: String) async throws {
    let spec = spec(name)
    let pod = pod(spec)
    do {
      try await setUp(spec, pod)
    } catch let failure as VolumeFailure {
      try require(failure.message.contains("command failed, status: Failure"), "\(name): \(failure.message)")
      try require(try mountCount(path(spec, pod)) == 0, "\(name) was rejected, but is mounted")
      return
    }
    try await tearDown(spec, pod)
    try await unmountAndDetach(spec)
  }

  /// Sends a name that no API server accepts, with a harmless directory.
  func tryPath(_ name: String) async throws {
    let harmless = spec()
    let pod = pod(harmless)
    let (_, path) = try await preparedMount(harmless, pod)
    let outcome = await ask(calls.mount(spec(name), directory: path, pod: pod))
    let mounts = try mountCount(path)
    if mounts > 0 { try? await tearDown(harmless, pod) }
    if outcome == .notSupported {
      throw SanitySkip("the kubelet mounts for this driver: only mount receives names that are paths")
    }
    if case .success = outcome { throw SanityFailure("\(RecordingRunner.quote(name)) succeeded") }
    try require(mounts == 0, "\(RecordingRunner.quote(name)) was rejected, but is mounted")
  }
}
