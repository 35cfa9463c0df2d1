// Calls that a kubelet makes rarely or never.
extension SanityCase {
  static let oddities = [
    SanityCase(
      "share/same-directory", "Two concurrent mounts of one directory end with one mount.",
      otherwise:
        "A kubelet that is killed during mount leaves the driver running and mounts again. The directory then has two mounts."
    ) { bench in
      try bench.requireAttach(false)
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let (call, path) = try await bench.preparedMount(spec, pod)
      let failures = await bench.atOnce([pod, pod]) { _ in try await bench.requireSuccess(call) }
      let mounts = try bench.mountCount(path)
      for _ in 0..<max(mounts, 1) { try? await bench.tearDown(spec, pod) }
      try bench.require(failures.count < 2, failures.first ?? "")
      try bench.require(mounts == 1, "there are \(mounts) mounts")
    },
    SanityCase(
      "option/varied", "Mounting an existing volume with other options works or is rejected. Either keeps its data.",
      otherwise: "A PV that is edited, or created again for existing data, destroys the data."
    ) { bench in
      if bench.options.isEphemeral { throw SanitySkip("--ephemeral was given") }
      if bench.options.variations.isEmpty { throw SanitySkip("--vary was not given") }
      for (key, value) in bench.options.variations { try await bench.tryVariation(key, value) }
    },
    SanityCase(
      "answer/odd-options",
      "The answer is one JSON object for any options. A failure leaves nothing mounted.",
      otherwise: "A pod's Event does not say the cause, or a volume stays mounted that no kubelet knows."
    ) { bench in
      try bench.requireAttach(false, why: "odd options are sent only to a driver that mounts itself")
      var dice = Dice(seed: 3)
      for _ in 0..<15 { try await bench.tryOptions(dice.options()) }
    },
  ]
}

extension SanityBench {
  fileprivate func tryVariation(_ key: String, _ value: String) async throws {
    let spec = spec()
    try await withVolume(spec) { path, _ in
      if let error = BenchFiles.write(path + "/kept", "data") { throw SanityFailure("writing: \(error)") }
    }
    var varied = spec
    varied.source.options[key] = value
    do {
      try await withVolume(varied) { path, _ in
        try require(BenchFiles.read(path + "/kept") == "data", "with \(key)=\(value) the file is gone")
      }
    } catch let failure as VolumeFailure {
      try require(failure.message.contains("command failed, status: Failure"), "\(key)=\(value): \(failure.message)")
    }
    try await withVolume(spec) { path, _ in
      try require(BenchFiles.read(path + "/kept") == "data", "after \(key)=\(value) the file is gone")
    }
  }

  fileprivate func tryOptions(_ text: String) async throws {
    let spec = spec()
    let pod = pod(spec)
    let (_, path) = try await preparedMount(spec, pod)
    let outcome = await ask(DriverCall(.mount, [path, text]))
    let mounts = try mountCount(path)
    for _ in 0..<mounts { try? await tearDown(spec, pod) }
    if case .failure(let reason) = outcome {
      let quoted = RecordingRunner.quote(text)
      try require(reason.hasPrefix("mount command failed, status: "), "options \(quoted): \(reason)")
      try require(mounts == 0, "options \(quoted) were rejected, but something is mounted")
    }
  }
}

extension Dice {
  /// Returns options with one value that a kubelet does not send.
  fileprivate mutating func options() -> String {
    let name = "\"flex-sanity-\(SanityBench.number())\""
    let values = [
      "null", "5", "[]", "{}", "true", "\"\"", "\"ü\\u0000\"", "\"" + String(repeating: "x", count: 60_000) + "\"",
    ]
    let keys = [
      "fsType", "readwrite", "pvOrVolumeName", "pod.uid", "mounterArgs.FsGroup", "secret/x", "serviceAccount.name",
    ]
    let odd = "\"kubernetes.io/\(keys[roll(keys.count)])\":\(values[roll(values.count)])"
    let usual = "\"kubernetes.io/pvOrVolumeName\":\(name)"
    return ["{\(usual),\(odd)}", "{\(odd),\(usual)}", "{\(odd)}", "[{\(odd)}]", "{\(usual),\(odd)"][roll(5)]
  }
}
