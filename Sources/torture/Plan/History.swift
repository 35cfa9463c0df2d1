import FoundationEssentials
import Glibc
import LinuxSystem
import Synchronization

/// The history of a run: JSON lines in a file outside of the machine. Each line is written before the run continues.
final class History: Sendable {
  private struct State {
    var model: Model
    var lines: Int
  }

  private let file: Descriptor
  private let path: String
  private let state: Mutex<State>

  /// Continues an existing history.
  init(path: String) throws {
    self.path = path
    let events = try Self.read(path)
    file = try Descriptor.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644)
    state = Mutex(State(model: Model(events), lines: events.count))
  }

  static func read(_ path: String) throws -> [Event] {
    guard Files.exists(path) else { return [] }
    let bytes = try Files.readAll(path, limit: 64 << 20)
    // A last line without its end was never acknowledged.
    guard let end = bytes.lastIndex(of: newline) else { return [] }
    return try bytes[..<end].split(separator: newline).map { try JSONDecoder().decode(Event.self, from: Data($0)) }
  }

  var model: Model { state.withLock(\.model) }
  var foreign: [Group.Volume] { model.foreign }
  var lines: Int { state.withLock(\.lines) }

  /// Adds a line. Returns when the line is safe.
  func add(_ event: Event) throws {
    let line = Array(try JSONEncoder().encode(event)) + [Self.newline]
    try state.withLock { state in
      let count = line.withUnsafeBytes { Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
      guard count == line.count, fsync(file.rawValue) == 0 else {
        throw SystemError(operation: "write", subject: path, errno: .current)
      }
      state.model.apply(event)
      state.lines += 1
    }
  }

  private static let newline = UInt8(ascii: "\n")
}
