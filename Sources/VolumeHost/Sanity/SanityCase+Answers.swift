extension SanityCase {
  static let announcements = [
    SanityCase(
      "init/succeeds", "init says Success, and capabilities, if any, are an object of booleans.",
      otherwise:
        "The driver is not loaded: its pods wait for ever with \"no volume plugin matched\". On null the caller crashes."
    ) { bench in
      _ = try await FlexDriver(
        name: bench.driver.name, executable: bench.driver.executable, version: bench.settings.version,
        runner: bench.recorder
      ).initialize()
    },
    SanityCase(
      "init/repeats", "init may run any number of times, and says the same each time.",
      otherwise: "Between two probes a kubelet may change its mind about attaching, and lose volumes."
    ) { bench in
      _ = try bench.announced()
      let first = try await bench.requireSuccess(bench.calls.initialize())
      let second = try await bench.requireSuccess(bench.calls.initialize())
      try bench.require(first.capabilities == second.capabilities, "the second answer was another one")
    },
    SanityCase(
      "init/quick", "init answers within a second: it runs inside every look-up of any volume plugin.",
      otherwise: "All volumes of the node, of all drivers, wait for it."
    ) { bench in
      _ = try bench.announced()
      let time = SystemTime()
      try await bench.requireSuccess(bench.calls.initialize())
      try bench.require(time.now < .seconds(1), "it took \(time.now)")
    },
  ]

  static let answers = [
    SanityCase(
      "answer/unknown-command", "A command that the driver does not have is \"Not supported\", in this spelling.",
      otherwise: "A kubelet takes it as a failure instead of doing the thing itself, and tries again for ever."
    ) { bench in
      let process = await bench.recorder.run(
        bench.driver.executable, raw: ["flex-sanity-no-such-command"])
      guard case .notSupported = DriverOutcome(of: .getVolumeName, process) else {
        throw SanityFailure("it printed \(RecordingRunner.quote(process.output))")
      }
    },
    SanityCase(
      "answer/no-arguments", "Calls without their arguments are failures with a message, and one JSON object.",
      otherwise: "Nothing in a cluster: a kubelet sends all. A driver that falls over here does so elsewhere as well."
    ) { bench in
      for command in [DriverCommand.mount, .unmount] {
        try await bench.requireRefusal(DriverCall(command), "no arguments")
      }
    },
    SanityCase(
      "answer/bad-json", "mount with options that are no JSON is a failure, and mounts nothing.",
      otherwise: "A pod may get a volume that it did not ask for."
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
      "answer/odd-arguments", "Whatever the arguments, the answer is one JSON object.",
      otherwise:
        "The pod's event says \"invalid character\" or \"unexpected end of JSON input\", and nothing of the cause."
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
