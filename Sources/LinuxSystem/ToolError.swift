/// A failed run of a program.
package struct ToolError: Error, Hashable, Sendable {
  /// The kinds of failure.
  package enum Reason: Hashable, Sendable {
    /// The program is not installed.
    case missing
    /// The program could not be started.
    case notStarted(SystemError)
    /// The program ended with this status.
    case ended(ChildResult.Status)
  }

  /// The program's name, without directories.
  package let tool: String
  /// The reason of the failure.
  package let reason: Reason
  /// The program's output, at most 64 KiB.
  package let output: String

  package init(tool: String, reason: Reason, output: String) {
    self.tool = tool
    self.reason = reason
    self.output = output
  }

  /// The status of the program. Nil if it never ran.
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
    // Some programs print the reason first and their usage after it.
    let lines = output.split { $0 == "\n" || $0 == "\r\n" }
    return (lines.count <= 6 ? lines[...] : lines.prefix(2) + ["…"] + lines.suffix(3)).joined(separator: "; ")
  }
}
