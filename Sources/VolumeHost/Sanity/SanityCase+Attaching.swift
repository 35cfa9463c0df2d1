extension SanityCase {
  static let attaching = [
    SanityCase(
      "attach/repeats", "attach and waitforattach succeed each time and name the same device.",
      otherwise: "A restarted controller-manager or kubelet does not find the volume."
    ) { bench in
      try bench.requireAttach(true)
      let spec = bench.spec()
      let attach = bench.calls.attach(spec, node: bench.host.node)
      try await bench.requireCommand(attach)
      let device = try await bench.requireSuccess(attach).device
      let wait = bench.calls.waitForAttach(spec, device: device)
      var failure: String?
      if try await !bench.notSupported(wait) {
        let found = [try await bench.requireSuccess(wait).device, try await bench.requireSuccess(wait).device]
        if found[0] != found[1] || found[0].isEmpty { failure = "waitforattach named \(found)" }
      }
      _ = await bench.ask(bench.calls.detach(volume: spec.name, node: bench.host.node))
      if let failure { throw SanityFailure(failure) }
    },
    SanityCase(
      "attach/detach-unknown", "detach of a volume that is not attached succeeds, also a second time.",
      otherwise: "The volume stays attached in the node's status and cannot be used on another node."
    ) { bench in
      try bench.requireAttach(true)
      let call = bench.calls.detach(volume: bench.spec().name, node: bench.host.node)
      try await bench.requireCommand(call)
      for _ in 0..<2 { try await bench.requireSuccess(call) }
    },
    SanityCase(
      "attach/is-attached", "isattached does not report an attached volume as detached.",
      otherwise: "The controller-manager forgets the attachment within a minute."
    ) { bench in
      try bench.requireAttach(true)
      try await bench.withVolume(bench.spec()) { _, pod in
        let call = bench.calls.isAttached(pod.volumes[0], node: bench.host.node)
        try await bench.requireCommand(call)
        try bench.require(try await bench.requireSuccess(call).attached, "it reports the volume as detached")
      }
    },
    SanityCase(
      "attach/mount-device",
      "mountdevice mounts once. A second call succeeds and stacks nothing. unmountdevice undoes it.",
      otherwise: "The volume cannot be detached, or a pod starts without it."
    ) { bench in
      try bench.requireAttach(true)
      let spec = bench.spec()
      try await bench.withVolume(spec) { _, _ in
        let path = bench.host.paths.deviceMount(spec.name, driver: bench.driver.name)
        let before = try bench.mountCount(path)
        guard before > 0 else { throw SanitySkip("the driver mounts no device") }
        let device = try await bench.plugin().device(spec)
        try await bench.requireSuccess(bench.calls.mountDevice(spec, directory: path, device: device))
        let after = try bench.mountCount(path)
        try bench.require(after == before, "there were \(before) mounts and now are \(after)")
      }
    },
  ]

  static let growing = [
    SanityCase(
      "expand/repeats", "expandfs succeeds, also a second time, and the volume has the requested size.",
      otherwise: "The pod does not start, or its claim reports a size that its file system does not have."
    ) { bench in
      if try !bench.announced().requiresFSResize { throw SanitySkip("the driver does not announce requiresFSResize") }
      guard let size = bench.options.grownSize else { throw SanitySkip("--grow-to was not given") }
      let spec = bench.spec()
      try await bench.withVolume(spec) { path, _ in
        let old = try await bench.host.files.space(at: path).capacity
        let device = try await bench.plugin().device(spec)
        let call = bench.calls.expandFileSystem(spec, device: device, directory: path, to: size, from: old)
        guard let call else { throw SanitySkip("Kubernetes \(bench.options.version) does not expand volumes") }
        try await bench.requireCommand(call)
        for _ in 0..<2 { try await bench.requireSuccess(call) }
        let new = try await bench.host.files.space(at: path).capacity
        try bench.require(new >= old && new >= size / 10 * 8, "it has \(new) bytes, \(size) were requested")
      }
    }
  ]

  static let traces = [
    SanityCase(
      "traces/answers", "Every answer so far was one JSON object with nothing around it and matched the exit code.",
      otherwise:
        "Pods fail with messages such as \"invalid character 'w' looking for beginning of value\" or \"exit status 1\"."
    ) { bench in
      if let first = bench.recorder.complaints.first { throw SanityFailure(first) }
    },
    SanityCase(
      "traces/directory", "The driver's own directory is unchanged.",
      otherwise:
        "Each change makes kubelet and controller-manager probe the driver again and forget which commands it does not have."
    ) { bench in
      let directory = DriverSanity.directory(of: bench.driver.executable)
      let now = BenchFiles.snapshot(directory)
      let new = now.filter { !bench.surroundings.contains($0) }
      try bench.require(new.isEmpty, "new or changed: \(new.joined(separator: ", "))")
      let gone = bench.surroundings.filter { !now.contains($0) }
      try bench.require(gone.isEmpty, "gone: \(gone.joined(separator: ", "))")
    },
    SanityCase(
      "traces/mounts", "No mount is left.",
      otherwise: "Directories of removed pods stay, with their mounts."
    ) { bench in
      let mounts = try BenchFiles.mounts(below: bench.host.paths.root).filter(SanityBench.isOurs)
      try bench.require(mounts.isEmpty, "still mounted: \(mounts.joined(separator: ", "))")
    },
  ]
}

extension FlexPlugin {
  /// Returns the device of an attached volume. Empty for a driver that does not attach.
  fileprivate func device(_ spec: VolumeSpec) async throws(VolumeFailure) -> String {
    guard let plugin = self as? AttachableFlexVolumePlugin else { return "" }
    let attacher = plugin.makeAttacher()
    return try await attacher.waitForAttach(spec, device: attacher.attach(spec, node: core.host.node))
  }
}
