internal import CLinux
internal import Glibc
package import StorageModel

/// Facts about this process.
package enum OwnProcess {
  /// The memory that it has in RAM, the second field of /proc/self/statm, proc(5). Zero when that can not be read.
  package static var residentMemory: ByteCount {
    guard let text = try? Files.readText("/proc/self/statm") else { return .zero }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = UInt64(fields[1]) else { return .zero }
    return ByteCount(pages * UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0)))
  }

  /// The effective user; 0 is root.
  package static var effectiveUserID: UInt32 { geteuid() }

  /// The process number.
  package static var processID: Int32 { getpid() }

  /// The environment, environ(7). To be read before threads exist that call setenv(3).
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

  /// Ends the process as a power cut would: at once, without any clean-up. For crash tests.
  package static func kill9() -> Never {
    Glibc.kill(getpid(), SIGKILL)
    // The signal is delivered before kill(2) returns to a thread that does not block it, and SIGKILL is never blocked.
    while true { pause() }
  }
}

extension OwnProcess {
  /// Keeps memory small in a process with short-lived threads and a library that takes 8 MiB for every command: one
  /// malloc arena instead of eight per processor, and fixed thresholds, so that large blocks are mapped and given
  /// back (mallopt(3): left alone, glibc raises them to the largest block freed so far). To be called first in main.
  package static func keepAllocatorSmall() { clinux_keep_allocator_small() }

  /// Gives memory that is free within the allocator back to the system, malloc_trim(3). Takes milliseconds.
  package static func returnFreeMemory() { clinux_trim_memory() }
}
