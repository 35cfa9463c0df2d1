import CommandLineTool
import StorageModel
import VolumeDirectories

/// `directory`: prints where something is within a volume that several uses share.
enum DirectoryCommand {
  static func run(_ words: [String]) throws(VolumeError) -> Int32 {
    let found: VolumeDirectory?
    do throws(VolumeDirectoryError) { found = try directory(words) } catch {
      throw VolumeError(.invalid, "directory: \(error)")
    }
    guard let found else {
      throw VolumeError(
        .invalid, "directory \(quoted(words.first ?? "")): try named NAME, bind PATH, or anonymous SERVICE TARGET")
    }
    Console.print(found.path)
    return 0
  }

  /// Nil for words that ask for nothing known.
  private static func directory(_ words: [String]) throws(VolumeDirectoryError) -> VolumeDirectory? {
    switch (words.first, words.count) {
    case ("named", 2): try .named(words[1])
    case ("bind", 2): try .bind(words[1])
    case ("anonymous", 3): try .anonymous(service: words[1], target: words[2])
    default: nil
    }
  }
}
