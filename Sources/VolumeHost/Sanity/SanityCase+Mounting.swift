extension SanityCase {
  static let mounting = [
    SanityCase(
      "mount/mounts", "After mount the directory is a mount point, and can be written to.",
      otherwise: "The pod runs on the node's own disk, and can not be deleted: its directory is not empty."
    ) { bench in
      try await bench.withVolume(bench.spec()) { path, _ in
        try bench.require(try bench.mountCount(path) > 0, "nothing is mounted on \(path)")
        if let error = BenchFiles.write(path + "/file", "x") { throw SanityFailure("writing: \(error)") }
      }
    },
    SanityCase(
      "mount/twice", "mount of what is mounted is Success, and does not stack a second mount.",
      otherwise:
        "After a restart of a kubelet before 1.29 two mounts lie on the directory, or the pod gets one failure after another."
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
      "mount/keeps-data", "What one pod wrote the next one finds.",
      otherwise: "Data are lost when a pod is replaced."
    ) { bench in
      if bench.settings.isEphemeral { throw SanitySkip("volumes are said to keep nothing") }
      let spec = bench.spec()
      try await bench.withVolume(spec) { path, _ in
        if let error = BenchFiles.write(path + "/kept", "data") { throw SanityFailure("writing: \(error)") }
      }
      try await bench.withVolume(spec) { path, _ in
        try bench.require(BenchFiles.read(path + "/kept") == "data", "the file is gone")
      }
    },
    SanityCase(
      "mount/read-only", "With \"kubernetes.io/readwrite\":\"ro\" nothing can be written.",
      otherwise:
        "Only the container's own mount keeps a pod that promised to read only from writing; before 1.10 nothing does."
    ) { bench in
      try await bench.withVolume(bench.spec(readOnly: true)) { path, _ in
        guard BenchFiles.write(path + "/forbidden", "x") == nil else { return }
        throw SanityFailure("a file could be written")
      }
    },
    SanityCase(
      "mount/group", "The pod's group comes under either of its two keys, or not at all.",
      otherwise: "Pods with a group do not start on kubelets of the other age."
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
      "mount/missing-directory", "mount on a directory that is not there fails, and does not make it.",
      otherwise: "A pod that was deleted meanwhile leaves a mount or a directory behind."
    ) { bench in
      try bench.requireAttach(false)
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = bench.path(spec, pod)
      let outcome = await bench.ask(bench.calls.mount(spec, directory: path, pod: pod))
      let isThere = BenchFiles.exists(path)
      if case .success = outcome { try? await bench.tearDown(spec, pod) }
      if case .success = outcome { throw SanityFailure("it was a success") }
      try bench.require(!isThere, "the directory was made")
    },
    SanityCase(
      "mount/metrics", "With supportsMetrics the mounted directory answers statfs.",
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
      "unmount/leaves-nothing", "After unmount nothing is mounted, and the directory is empty or gone.",
      otherwise: "The pod stays in Terminating, and unmount is called again and again."
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
      try await bench.release(spec)
      try bench.require(mounts == 0, "\(mounts) mounts are left")
      try bench.require(names.isEmpty, "in the directory are \(names.joined(separator: ", "))")
    },
    unmountCase(
      "unmount/never-mounted", "unmount of an empty directory is Success: after a reboot a kubelet asks for it."
    ) {
      bench, path in
      try await bench.host.files.makeDirectory(path)
    },
    unmountCase("unmount/missing-directory", "unmount of a directory that is not there is Success.") { _, _ in },
    SanityCase(
      "unmount/twice", "A second unmount is Success: the answer to the first may have been lost.",
      otherwise: "The pod stays in Terminating for ever."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = try await bench.setUp(spec, pod)
      try await bench.tearDown(spec, pod)
      let outcome = await bench.ask(bench.calls.unmount(directory: path))
      try await bench.release(spec)
      if outcome == .notSupported { throw SanitySkip("the kubelet unmounts for this driver") }
      if case .failure(let reason) = outcome { throw SanityFailure(reason) }
    },
    SanityCase(
      "unmount/by-hand", "unmount of what somebody has unmounted by hand is Success.",
      otherwise: "The pod stays in Terminating for ever."
    ) { bench in
      let spec = bench.spec()
      let pod = bench.pod(spec)
      let path = try await bench.setUp(spec, pod)
      try await bench.host.files.unmount(path)
      let outcome = await bench.ask(bench.calls.unmount(directory: path))
      try? await bench.host.files.removeDirectory(path)
      try? await bench.release(spec)
      if outcome == .notSupported { throw SanitySkip("the kubelet unmounts for this driver") }
      if case .failure(let reason) = outcome { throw SanityFailure(reason) }
    },
  ]

  private static func unmountCase(
    _ name: String, _ reason: String, _ prepare: @escaping @Sendable (SanityBench, String) async throws -> Void
  ) -> SanityCase {
    SanityCase(name, reason, otherwise: "The pod stays in Terminating for ever.") { bench in
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
