import CommandLineTool
import StorageModel
import VolumeDirectories

/// `directory`: prints the directory of one use in a volume that several uses share.
enum DirectoryCommand {
  /// Prints the path and returns the exit status. Reads no file and sends no request.
  ///
  /// - Throws: `invalid` if the words name no directory.
  static func run(_ words: [String]) throws(VolumeError) -> Int32 {
    let found: VolumeDirectory?
    do throws(VolumeDirectoryError) { found = try directory(words) } catch {
      throw VolumeError(.invalid, "directory: \(error)")
    }
    guard let found else {
      throw VolumeError(
        .invalid, "directory \(quoted(words.first ?? "")): use named NAME, bind PATH, or anonymous SERVICE TARGET")
    }
    Console.print(found.path)
    return 0
  }

  /// Nil for unknown words, and for too few or too many.
  private static func directory(_ words: [String]) throws(VolumeDirectoryError) -> VolumeDirectory? {
    switch (words.first, words.count) {
    case ("named", 2): try .named(words[1])
    case ("bind", 2): try .bind(words[1])
    case ("anonymous", 3): try .anonymous(service: words[1], target: words[2])
    default: nil
    }
  }
}
