internal import CLinux
internal import Glibc
package import StorageModel

/// Facts about this process.
package enum OwnProcess {
  /// The resident memory: the second field of /proc/self/statm, proc(5). Zero if it cannot be read.
  package static var residentMemory: ByteCount {
    guard let text = try? Files.readText("/proc/self/statm") else { return .zero }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = UInt64(fields[1]) else { return .zero }
    return ByteCount(pages * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0)))
  }

  /// The effective user ID. 0 is root.
  package static var effectiveUserID: UInt32 { geteuid() }

  /// The process ID.
  package static var processID: Int32 { getpid() }

  /// The environment, environ(7). Read it before there are threads that call setenv(3).
  package static var environment: [String: String] {
    guard let strings = clinux_environment() else { return [:] }
    var result: [String: String] = [:]
    var index = 0
    while let entry = strings[index] {
      let pair = String(cString: entry).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
      index += 1
    }
    return result
  }

  /// The arguments, without the program's name.
  package static var arguments: [String] { Array(CommandLine.arguments.dropFirst()) }

  /// Ends the process at once and without clean-up, as a power cut would. For crash tests.
  package static func kill9() -> Never {
    Glibc.kill(getpid(), SIGKILL)
    // The kernel delivers the signal before kill(2) returns, if the thread does not block it. SIGKILL cannot be
    // blocked.
    while true { pause() }
  }
}

extension OwnProcess {
  /// Limits the memory of malloc: one arena instead of eight per processor, and fixed thresholds, so that large blocks
  /// are mapped and given back. Otherwise glibc raises the thresholds to the largest block freed so far, mallopt(3).
  /// Call it first in main.
  ///
  /// The daemon needs it for two reasons: it has short-lived threads, and its LVM library takes 8 MiB for every
  /// command.
  package static func keepAllocatorSmall() { clinux_keep_allocator_small() }

  /// Returns the allocator's free memory to the system, malloc_trim(3). Takes milliseconds.
  package static func returnFreeMemory() { clinux_trim_memory() }

  /// Takes code and read-only data that is not in use out of the resident memory. What is used again comes back.
  ///
  /// A program uses much code only while it starts: the loader reads every library's symbols, and the libraries set
  /// themselves up. Nothing else would ever give these pages back while there is free memory.
  ///
  /// - Nothing can be lost. Only segments that are mapped from files without write access are dropped, and of them only
  ///   those that the loader does not change (no PT_GNU_RELRO, no DT_TEXTREL). Their pages are those of the files. A
  ///   breakpoint that a debugger has set in them is lost.
  /// - Blocks for less than a millisecond. The next use of each 64 KiB costs a page fault, which finds the page in the
  ///   page cache. No file is read unless the kernel has needed the memory for something else.
  package static func dropUnusedCode() { _ = clinux_drop_code() }
}
