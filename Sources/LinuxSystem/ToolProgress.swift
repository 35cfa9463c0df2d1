internal import Synchronization

/// The progress of a program, parsed from its output. Separates progress from other output.
///
/// It knows mke2fs without `-q` (lib/ext2fs/progress.c of e2fsprogs: a label, numbers, backspaces) and e2fsck with `-C
/// 1` (e2fsck(8): a line of pass, units done, total units and device).
package final class ToolProgress: Sendable {
  private struct State {
    /// The unfinished line, with backspaces applied.
    var line: [UInt8] = []
    var text: String?
  }

  private let state = Mutex(State())

  /// Creates progress with no text yet.
  package init() {}

  /// The progress as text: `writing inode tables 120 of 800`, `pass 2 of 5, 40 %`. Nil until the program has reported
  /// it.
  package var text: String? { state.withLock { $0.text } }

  /// Takes a piece of output. Returns the complete lines that are not progress.
  func take(_ piece: [UInt8]) -> [UInt8] {
    state.withLock { state in
      var kept: [UInt8] = []
      for byte in piece {
        switch byte {
        case 0x08: if !state.line.isEmpty { state.line.removeLast() }
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
          if let text = Self.checking(state.line) { state.text = text } else { kept += state.line + [0x0A] }
          state.line = []
        default:
          state.line.append(byte)
          // No line of these programs is that long.
          if state.line.count > 4096 { state.line.removeAll() }
        }
        if let text = Self.making(state.line) { state.text = text }
      }
      return kept
    }
  }

  /// Returns the unfinished last line.
  func rest() -> [UInt8] { state.withLock { $0.line } }

  private static func checking(_ line: [UInt8]) -> String? {
    let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    guard words.count >= 4, let pass = Int(words[0]), let done = Int(words[1]), let all = Int(words[2]),
      (1...9).contains(pass), all > 0, done >= 0, words[3].hasPrefix("/")
    else { return nil }
    return "pass \(pass) of 5, \(min(100, done * 100 / all)) %"
  }

  private static func making(_ line: [UInt8]) -> String? {
    guard line.last.map({ (0x30...0x39).contains($0) }) == true, let colon = line.lastIndex(of: UInt8(ascii: ":"))
    else { return nil }
    let numbers = String(decoding: line[(colon + 1)...], as: UTF8.self).split(separator: "/").map {
      Int($0.filter { $0 != " " })
    }
    guard numbers.count == 2, let done = numbers[0], let all = numbers[1] else { return nil }
    let label = String(decoding: line[..<colon], as: UTF8.self)
    return "\(label.prefix(1).lowercased() + label.dropFirst()) \(done) of \(all)"
  }
}
