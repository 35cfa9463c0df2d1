internal import Glibc

// libFuzzer has `main` and calls these two (compiler-rt, include/fuzzer/FuzzerInterface.h). Which target is meant comes by the
// environment, because libFuzzer starts the program again with its own options to merge a corpus.

/// Without `FUZZ_TARGET` prints the names of all targets, each with its maximum length, and ends.
@_cdecl("LLVMFuzzerInitialize")
func initialize(_ count: UnsafeMutableRawPointer, _ arguments: UnsafeMutableRawPointer) -> Int32 {
  guard let name = getenv("FUZZ_TARGET").map({ String(cString: $0) }) else {
    for target in FuzzTarget.all { print(target.name, target.maximumLength) }
    exit(0)
  }
  if name != target.name { fail("no target is called \(name)") }
  return 0
}

/// Runs the target on one input.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  do throws(Violation) {
    try target.check(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
  } catch {
    // libFuzzer keeps the input.
    fail("\(target.name): \(error)")
  }
}

private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
  return (FuzzTarget.all + [.planted]).first { $0.name == name } ?? .planted
}()

private func fail(_ message: String) -> Never {
  let line = Array("\(message)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  abort()
}
