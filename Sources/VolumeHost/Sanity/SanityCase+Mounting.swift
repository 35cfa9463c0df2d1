extension SanityCase {
  static let mounting = [
    SanityCase(
      "mount/mounts", "After mount the directory is a mount point and is writable.",
      otherwise: "The pod writes to the node's own disk. It cannot be deleted, because its directory is not empty."
    ) { bench in
      try await bench.withVolume(bench.spec()) { path, _ in
        try bench.require(try bench.mountCount(path) > 0, "nothing is mounted on \(path)")
        if let error = BenchFiles.write(path + "/file", "x") { throw SanityFailure("writing: \(error)") }
      }
    },
    SanityCase(
      "mount/twice", "mount of a mounted volume succeeds and does not stack a second mount.",
      otherwise:
        "After a restart of a kubelet before 1.29, the directory has two mounts, or the pod gets repeated failures."
    ) { bench in
      try await bench.withVolume(bench.spec()) { path, pod in
        let before = try bench.mountCount(path)
        let call = bench.calls.mount(pod.volumes[0], directory: path, pod: pod)
        if try await bench.notSupported(call) { throw SanitySkip("the kubelet mounts for this driver") }
        try await bench.requireSuccess(call)
        let after = try bench.mountCount(path)
        try bench.require(after == before, "there were \(before) mounts and now are \(after)")
      }
    },
    SanityCase(
      "mount/keeps-data", "The next pod finds the data of the previous one.",
      otherwise: "Data is lost when a pod is replaced."
    ) { bench in
      if bench.options.isEphemeral { throw SanitySkip("--ephemeral was given") }
      let spec = bench.spec()
      try await bench.withVolume(spec) { path, _ in
        if let error = BenchFiles.write(path + "/kept", "data") { throw SanityFailure("writing: \(error)") }
      }
      try await bench.withVolume(spec) { path, _ in
        try bench.require(BenchFiles.read(path + "/kept") == "data", "the file is gone")
      }
    },
    SanityCase(
      "mount/read-only", "With \"kubernetes.io/readwrite\":\"ro\" the volume is not writable.",
      otherwise:
        "Only the container's own mount keeps a read-only pod from writing. Before 1.10 nothing does."
    ) { bench in
      try await bench.withVolume(bench.spec(readOnly: true)) { path, _ in
        guard BenchFiles.write(path + "/forbidden", "x") == nil else { return }
        throw SanityFailure("a file could be written")
      }
    },
    SanityCase(
      "mount/group", "mount works with the pod's group under either of its two keys, and without a group.",
      otherwise: "Pods with a group do not start on kubelets that use the other key."
    ) { bench in
      for version in ["1.14", "1.36"].compactMap({ KubernetesVersion($0) }) {
        let spec = bench.spec()
        try await bench.withVolume(spec) { path, pod in
          try await bench.tearDown(spec, pod)
          try await bench.host.files.makeDirectory(path)
          var pod = pod
          pod.group = 2000
          let call = DriverCalls(version: version).mount(spec, directory: path, pod: pod)
          let outcome = await bench.ask(call)
          if outcome == .notSupported { throw SanitySkip("the kubelet mounts for this driver") }
          if case .failure(let reason) = outcome { throw SanityFailure(reason) }
          try bench.require(try bench.mountCount(path) > 0, "nothing is mounted on \(path)")
        }
      }
    },
    SanityCase(
      "mount/missing-directory", "mount on a missing directory fails and does not create it.",
      otherwise: "A pod that was deleted in between leaves a mount or a directory behind."
    ) { bench in
      try bench.requireAttach(false)
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = bench.path(spec, pod)
      let outcome = await bench.ask(bench.calls.mount(spec, directory: path, pod: pod))
      let isThere = BenchFiles.exists(path)
      if case .success = outcome { try? await bench.tearDown(spec, pod) }
      if case .success = outcome { throw SanityFailure("it succeeded") }
      try bench.require(!isThere, "the directory was created")
    },
    SanityCase(
      "mount/metrics", "With supportsMetrics, statfs works on the mounted directory.",
      otherwise: "The volume's figures are missing from the kubelet's metrics."
    ) { bench in
      if try !bench.announced().supportsMetrics { throw SanitySkip("the driver does not announce supportsMetrics") }
      try await bench.withVolume(bench.spec()) { path, _ in
        let space = try await bench.host.files.space(at: path)
        try bench.require(space.capacity > 0, "the capacity is 0")
      }
    },
  ]

  static let unmounting = [
    SanityCase(
      "unmount/leaves-nothing", "After unmount nothing is mounted, and the directory is empty or removed.",
      otherwise: "The pod stays in Terminating, and unmount is called repeatedly."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = try await bench.setUp(spec, pod)
      let outcome = await bench.ask(bench.calls.unmount(directory: path))
      if outcome == .notSupported { try await bench.host.files.unmount(path) }
      if case .failure(let reason) = outcome {
        try? await bench.tearDown(spec, pod)
        throw SanityFailure(reason)
      }
      let mounts = try bench.mountCount(path)
      let names = BenchFiles.names(in: path)
      try? await bench.host.files.removeDirectory(path)
      try await bench.unmountAndDetach(spec)
      try bench.require(mounts == 0, "\(mounts) mounts are left")
      try bench.require(names.isEmpty, "in the directory are \(names.joined(separator: ", "))")
    },
    unmountCase(
      "unmount/never-mounted", "unmount of an empty directory succeeds: a kubelet calls it after a reboot."
    ) {
      bench, path in
      try await bench.host.files.makeDirectory(path)
    },
    unmountCase("unmount/missing-directory", "unmount of a missing directory succeeds.") { _, _ in },
    SanityCase(
      "unmount/twice", "A second unmount succeeds: the answer to the first can be lost.",
      otherwise: "The pod stays in Terminating forever."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = try await bench.setUp(spec, pod)
      try await bench.tearDown(spec, pod)
      let outcome = await bench.ask(bench.calls.unmount(directory: path))
      try await bench.unmountAndDetach(spec)
      if outcome == .notSupported { throw SanitySkip("the kubelet unmounts for this driver") }
      if case .failure(let reason) = outcome { throw SanityFailure(reason) }
    },
    SanityCase(
      "unmount/by-hand", "unmount of a volume that was unmounted by hand succeeds.",
      otherwise: "The pod stays in Terminating forever."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = try await bench.setUp(spec, pod)
      try await bench.host.files.unmount(path)
      let outcome = await bench.ask(bench.calls.unmount(directory: path))
      try? await bench.host.files.removeDirectory(path)
      try? await bench.unmountAndDetach(spec)
      if outcome == .notSupported { throw SanitySkip("the kubelet unmounts for this driver") }
      if case .failure(let reason) = outcome { throw SanityFailure(reason) }
    },
  ]

  private static func unmountCase(
    _ name: String, _ reason: String, _ prepare: @escaping @Sendable (SanityBench, String) async throws -> Void
  ) -> SanityCase {
    SanityCase(name, reason, otherwise: "The pod stays in Terminating forever.") { bench in
      let spec = bench.spec()
      let path = bench.path(spec, bench.pod(spec))
      try await prepare(bench, path)
      let call = bench.calls.unmount(directory: path)
      if try await bench.notSupported(call) { throw SanitySkip("the kubelet unmounts for this driver") }
      try await bench.requireSuccess(call)
      try bench.require(BenchFiles.names(in: path).isEmpty, "there are files in the directory")
    }
  }
}

extension SanityBench {
  /// Returns whether the driver leaves a call to the kubelet. It makes the call, so the call must be harmless.
  func notSupported(_ call: DriverCall) async throws -> Bool { await ask(call) == .notSupported }
}
