import Glibc
import LinuxSystem
import Testing

/// A library that no other test uses.
private struct UnusedLibrary {
  static let name = "libresolv.so.2"

  private let handle: UnsafeMutableRawPointer

  init() throws { handle = try #require(dlopen(Self.name, RTLD_NOW)) }

  /// The first byte of one of its functions.
  func code() throws -> UnsafeRawPointer { UnsafeRawPointer(try #require(dlsym(handle, "ns_sprintrr"))) }

  /// The KiB that have been written in each of its mappings, proc(5): smaps.
  func written() throws -> [String: Int] {
    var result: [String: Int] = [:]
    var mapping = ""
    for line in try Files.readText("/proc/self/smaps").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count > 1, words[0].hasSuffix(":") {
        if words[0] == "Anonymous:", !mapping.isEmpty { result[mapping] = Int(words[1]) }
      } else {
        mapping = line.hasSuffix("/" + Self.name) ? String(words.prefix(2).joined(separator: " ")) : ""
      }
    }
    return result
  }
}

/// Returns whether the page is in this process's page table: bit 63 of its entry in proc(5), pagemap.
private func isResident(_ address: UnsafeRawPointer) throws -> Bool {
  let descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
  defer { close(descriptor) }
  var entry: UInt64 = 0
  let offset = UInt(bitPattern: address) / UInt(sysconf(Int32(_SC_PAGESIZE))) * 8
  try #require(pread(descriptor, &entry, 8, off_t(offset)) == 8)
  return entry >> 63 == 1
}

@Suite("Memory of this process")
struct CodeMemoryTests {
  @Test("code leaves the resident memory, and is there again when it is used")
  func code() throws {
    let code = try UnusedLibrary().code()
    let first = code.load(as: UInt8.self)
    #expect(try isResident(code))
    let before = OwnProcess.residentMemory
    OwnProcess.dropUnusedCode()
    #expect(OwnProcess.residentMemory < before)
    #expect(try !isResident(code))
    #expect(code.load(as: UInt8.self) == first)
    #expect(try isResident(code))
  }

  @Test("what a library has been given when it was loaded stays")
  func written() throws {
    let library = try UnusedLibrary()
    let before = try library.written()
    #expect(before.contains { $0.key.hasSuffix(" r--p") && $0.value > 0 }, "relocated, then protected: \(before)")
    #expect(before.contains { $0.key.hasSuffix(" rw-p") && $0.value > 0 }, "\(before)")
    OwnProcess.dropUnusedCode()
    #expect(try library.written() == before)
  }
}
