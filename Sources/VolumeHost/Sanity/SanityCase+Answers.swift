extension SanityCase {
  static let announcements = [
    SanityCase(
      "init/succeeds", "init returns Success. Capabilities, if any, are an object of booleans.",
      otherwise:
        "The driver is not loaded. Its pods wait forever with \"no volume plugin matched\". On null the caller crashes."
    ) { bench in
      _ = try await FlexDriver(
        name: bench.driver.name, executable: bench.driver.executable, version: bench.options.version,
        runner: bench.recorder
      ).initialize()
    },
    SanityCase(
      "init/repeats", "init can run any number of times and returns the same each time.",
      otherwise: "After a probe a kubelet can change between attaching and not attaching, and lose volumes."
    ) { bench in
      _ = try bench.announced()
      let first = try await bench.requireSuccess(bench.calls.initialize())
      let second = try await bench.requireSuccess(bench.calls.initialize())
      try bench.require(first.capabilities == second.capabilities, "the second answer was different")
    },
    SanityCase(
      "init/quick", "init answers within a second: every query for any volume plugin calls it.",
      otherwise: "All volumes of the node wait for it, also those of other drivers."
    ) { bench in
      _ = try bench.announced()
      let time = SystemTime()
      try await bench.requireSuccess(bench.calls.initialize())
      try bench.require(time.now < .seconds(1), "it took \(time.now)")
    },
  ]

  static let answers = [
    SanityCase(
      "answer/unknown-command", "A command that the driver does not have returns \"Not supported\", in this spelling.",
      otherwise: "A kubelet treats it as a failure instead of doing the work itself, and retries forever."
    ) { bench in
      let process = await bench.recorder.run(
        bench.driver.executable, raw: ["flex-sanity-no-such-command"])
      guard case .notSupported = DriverOutcome(of: .getVolumeName, process) else {
        throw SanityFailure("it printed \(RecordingRunner.quote(process.output))")
      }
    },
    SanityCase(
      "answer/no-arguments", "Calls without their arguments return a failure with a message, as one JSON object.",
      otherwise: "Nothing in a cluster: a kubelet sends all arguments. A driver that fails here can fail elsewhere too."
    ) { bench in
      for command in [DriverCommand.mount, .unmount] {
        try await bench.requireRefusal(DriverCall(command), "no arguments")
      }
    },
    SanityCase(
      "answer/bad-json", "mount with options that are not JSON fails and mounts nothing.",
      otherwise: "A pod can get a volume that it did not request."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let (_, path) = try await bench.preparedMount(spec, pod)
      do {
        for text in ["", "{", "[]", "{\"kubernetes.io/pvOrVolumeName\":5}"] {
          try await bench.requireRefusal(DriverCall(.mount, [path, text]), "options \(RecordingRunner.quote(text))")
          try bench.require(try bench.mountCount(path) == 0, "something is mounted")
        }
      } catch {
        // No other code unmounts it.
        for _ in 0..<(try bench.mountCount(path)) { try? await bench.tearDown(spec, pod) }
        throw error
      }
    },
    SanityCase(
      "answer/odd-arguments", "The answer is one JSON object for any arguments.",
      otherwise:
        "The pod's Event says \"invalid character\" or \"unexpected end of JSON input\" instead of the cause."
    ) { bench in
      var dice = Dice(seed: 2)
      for _ in 0..<20 {
        let line = (0..<dice.roll(4)).map { _ in dice.word() }
        let process = await bench.recorder.run(bench.driver.executable, raw: line)
        if case .failure(let reason) = DriverOutcome(of: .initialize, process),
          !reason.hasPrefix("init command failed"),
          !reason.hasPrefix("exit status")
        {
          throw SanityFailure("\(line): \(reason)")
        }
      }
    },
  ]
}

/// Random arguments, the same in each run.
struct Dice {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func roll(_ sides: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % sides
  }

  /// Returns a word that is no command with an effect.
  mutating func word() -> String {
    let words = ["", "{}", "{", "null", "-v", "--help", "MOUNT", "umount", "ü", "\"", "a\nb", "%s", "/", "..", "$(id)"]
    return words[roll(words.count)]
  }
}

extension RecordingRunner {
  /// Runs the driver with any arguments. Does not evaluate its answer.
  func run(_ executable: String, raw line: [String]) async -> DriverProcess {
    await inner.run(executable, line, limit: limit)
  }
}
