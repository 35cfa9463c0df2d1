import LinuxSystem
import Synchronization

/// Names of files and directories that only this run uses.
enum Scratch {
  static let directory: String = {
    let path = "/run/elastic-local-tests-\(OwnProcess.processID)"
    do { try Files.makeDirectories(path, mode: 0o755) } catch { fatalError("\(error)") }
    return path
  }()

  private static let count = Atomic<Int>(0)

  static func number() -> Int { count.wrappingAdd(1, ordering: .relaxed).newValue }

  static func fresh(_ name: String) -> String { "\(directory)/\(name)-\(number())" }

  /// A PV's name, as a provisioner makes it.
  static func volumeName() -> String {
    let digits = String(number(), radix: 16)
    return "pvc-7f6b2f0e-5d0c-4f3e-9d36-" + String(repeating: "0", count: 12 - digits.count) + digits
  }
}

/// The part behind the last slash.
func lastComponent(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

/// The part before the last slash.
func parent(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
