import Testing

@testable import LinuxSystem

/// A file below Corpus/ or Found/.
struct FuzzInput: Sendable, CustomTestStringConvertible {
  let target: FuzzTarget
  let folder: String
  let name: String

  static let folders = ["Corpus", "Found"]

  /// Tests/Fuzz.
  static let directory = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" }

  static let all: [FuzzInput] = folders.flatMap { folder in
    FuzzTarget.all.flatMap { target in
      // A target that has found nothing has no directory in Found; that each has a corpus is a test.
      let files = (try? Files.list("\(directory)/\(folder)/\(target.name)")) ?? []
      return files.sorted().map { FuzzInput(target: target, folder: folder, name: $0) }
    }
  }

  var testDescription: String { "\(folder)/\(target.name)/\(name)" }

  func bytes() throws -> [UInt8] { try Files.readAll("\(Self.directory)/\(folder)/\(target.name)/\(name)") }
}
