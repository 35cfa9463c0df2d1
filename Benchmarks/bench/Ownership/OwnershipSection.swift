import LinuxSystem
import RunningPrograms
import VolumeHost

/// Changes the group of a volume's files, compared with chgrp -R and chmod -R on the same tree. The library works in
/// this process, as in kubelet. The tools are two programs, which take some milliseconds to start.
struct OwnershipSection {
  private static let group: UInt32 = 2000

  /// A command, from the tree's path.
  private typealias Tool = @Sendable (String) -> [String]
  private static let tools: [Tool] = [{ ["chgrp", "-R", "\(group)", $0] }, { ["chmod", "-R", "g+rwX", $0] }]
  /// Sets the set-group-ID bit on directories only, which chmod -R cannot do. New files then get their directory's group.
  private static let setGroupID: [Tool] = [{ ["find", $0, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"] }]

  @Measuring func run() async throws -> Int32 {
    let files = try Settings.number("FILES", or: 100_000)
    let rounds = try Settings.number("ROUNDS", or: 5)
    guard OwnProcess.effectiveUserID == 0 else { throw NotMeasured("giving files to a group needs root") }
    let scratch = try TemporaryDirectory.make((Settings.text("SCRATCH") ?? "/dev/shm") + "/ownership-")
    let remove: @Sendable () -> Void = { try? Files.removeTree(scratch) }
    Termination.arrange {
      Programs.interrupt()
      remove()
    }
    defer {
      remove()
      Termination.arrange(nil)
    }
    let tree = FileTree(path: scratch + "/tree")
    try tree.make(files: files)
    return try await measure(tree, files, rounds)
  }

  @Measuring private func measure(_ tree: FileTree, _ files: Int, _ rounds: Int) async throws -> Int32 {
    _ = try await timeWalk(tree, 1, resets: false)
    guard try Programs.run("find", tree.path, "!", "-gid", "\(Self.group)", "-print", "-quit").isEmpty else {
      throw NotMeasured("the walk did not reach all files")
    }
    let report = Report()
    report.line("\(files) files, \(Machine.processors) processor(s), Linux \(Machine.release), \(Machine.day)")
    let tools = try timeTools(Self.tools, tree, rounds, resets: true)
    let complete = try timeTools(Self.tools + Self.setGroupID, tree, rounds, resets: true)
    let ours = try await timeWalk(tree, rounds, resets: true)
    let toolsAgain = try timeTools(Self.tools, tree, rounds, resets: false)
    let again = try await timeWalk(tree, rounds, resets: false)
    report.line("chgrp -R and chmod -R      \(tools.milliseconds) ms, again \(toolsAgain.milliseconds) ms")
    report.line("with set-group-ID as well  \(complete.milliseconds) ms")
    report.line("VolumeHost                 \(ours.milliseconds) ms, again \(again.milliseconds) ms")
    report.verdict("the walk against chgrp -R and chmod -R, a new tree", ours, beside: tools, limit: 1.00)
    report.verdict("the same with nothing to change", again, beside: toolsAgain, limit: 1.00)
    return report.status
  }

  @Measuring private func timeWalk(_ tree: FileTree, _ rounds: Int, resets: Bool) async throws -> Duration {
    var times: [Duration] = []
    for _ in 0..<rounds {
      if resets { try tree.reset() }
      let began = MonotonicClock.now()
      if let failure = await give(tree) { throw failure }
      times.append(MonotonicClock.now() - began)
    }
    return median(times)
  }

  /// Nil means success. Swift 6.3.1 crashes, with -Osize, if this function throws the error instead.
  @Measuring private func give(_ tree: FileTree) async -> HostError? {
    do throws(HostError) {
      try await LinuxFiles().setOwnership(of: tree.path, VolumeOwnership(group: Self.group))
      return nil
    } catch {
      return error
    }
  }

  private func timeTools(_ tools: [Tool], _ tree: FileTree, _ rounds: Int, resets: Bool) throws -> Duration {
    var times: [Duration] = []
    for _ in 0..<rounds {
      if resets { try tree.reset() }
      times.append(try Programs.time { for tool in tools { try Programs.run(tool(tree.path)) } })
    }
    return median(times)
  }
}
