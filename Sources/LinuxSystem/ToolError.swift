/// A program that could not do what it was asked.
package struct ToolError: Error, Hashable, Sendable {
  /// Why not.
  package enum Reason: Hashable, Sendable {
    /// The program is not installed.
    case missing
    /// It could not be started.
    case notStarted(SystemError)
    /// It ended like this.
    case ended(ChildResult.Status)
  }

  /// The program's name, without directories.
  package let tool: String
  /// Why it failed.
  package let reason: Reason
  /// What it wrote, at most 64 KiB.
  package let output: String

  /// Describes a failure.
  package init(tool: String, reason: Reason, output: String) {
    self.tool = tool
    self.reason = reason
    self.output = output
  }

  /// How the program ended; nil when it never ran.
  package var status: ChildResult.Status? {
    if case .ended(let status) = reason { status } else { nil }
  }
}

extension ToolError: CustomStringConvertible {
  /// `mkfs.ext4: exit code 1: …` with the last lines of its output on one line.
  package var description: String {
    switch reason {
    case .missing: "\(tool): not installed in \(Tools.directories.joined(separator: ":"))"
    case .notStarted(let error): "\(tool): \(error)"
    case .ended(let status): lastLines.isEmpty ? "\(tool): \(status)" : "\(tool): \(status): \(lastLines)"
    }
  }

  private var lastLines: String {
    // Some tools say the reason first and their usage after it.
    let lines = output.split { $0 == "\n" || $0 == "\r\n" }
    return (lines.count <= 6 ? lines[...] : lines.prefix(2) + ["…"] + lines.suffix(3)).joined(separator: "; ")
  }
}
