import Testing

@testable import LinuxSystem

/// The corpus, and every input that ever failed, through the functions that `make fuzz` runs under libFuzzer.
@Suite("Fuzzed inputs")
struct ReplayTests {
  @Test("an input of the corpus, and one that has failed once, is read as it must be", arguments: FuzzInput.all)
  func replay(_ input: FuzzInput) throws {
    try input.target.check(try input.bytes())
  }

  @Test("every target has inputs, and every input a target")
  func inputs() throws {
    let names = FuzzTarget.all.map(\.name)
    #expect(Set(names).count == names.count)
    for target in FuzzTarget.all {
      #expect(FuzzInput.all.contains { $0.target.name == target.name && $0.folder == "Corpus" }, "\(target.name)")
    }
    for folder in FuzzInput.folders {
      #expect(Set(names).isSuperset(of: try Files.list("\(FuzzInput.directory)/\(folder)")))
    }
  }

  @Test("what does not hold is told")
  func holding() throws {
    let told = #expect(throws: Violation.self) { try hold(false, "told") }
    #expect(told?.description == "told")
    try hold(true, "not told")
  }

  // Not `json`: it builds a tree by a recursion of its own, which no program of ours does.
  @Test(
    "what is nested deeply is refused on the small stack of a worker, not run into",
    arguments: FuzzTarget.all.filter { $0.name != "json" })
  func nesting(_ target: FuzzTarget) async throws {
    let (opening, closing) = ([#"{"a":"#, "["], ["}", "]"])
    for index in opening.indices {
      for depth in [100, 255, 256, 257, 511, 512, 513, 20_000] {
        let text =
          String(repeating: opening[index], count: depth) + "1" + String(repeating: closing[index], count: depth)
        for prefix in ["", "\u{0}", #"{"status":"Success","version":1,"arguments":[],"spec":"#] {
          let bytes = Array((prefix + text).utf8)
          try await onSmallStack { () throws(Violation) in try target.check(bytes) }
        }
      }
    }
  }

  /// On a thread like those that calls are decoded on, WorkerPool's.
  private func onSmallStack(_ body: @escaping @Sendable () throws(Violation) -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      do {
        try NativeThread.start(name: "small", stackSize: 512 << 10) {
          continuation.resume(with: Result { try body() })
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}
