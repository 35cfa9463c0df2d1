internal import LinuxSystem
package import StorageModel

/// A fault to inject at a step point, for tests in which a real daemon must die:
/// `ELASTIC_LOCAL_FAULT=<step point>:<action>`.
package struct StepFault: Sendable, Hashable {
  package enum Action: Sendable, Hashable {
    /// The process ends at once, as in a power cut.
    case kill
    /// The process ends after this many milliseconds, in the middle of a later step.
    case killAfter(milliseconds: Int)
    /// The step fails.
    case fail
    /// The step never ends.
    case hang
  }

  package let point: StepPoint
  package let action: Action

  /// - Throws: `invalid` with the known points and actions.
  package init(parsing text: String) throws(VolumeError) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2, let point = StepPoint(rawValue: parts[0]), let action = Self.action(parts[1]) else {
      throw VolumeError(
        .invalid,
        "fault \(quoted(text)) is not <step point>:<kill|kill-after-MS|fail|hang>; step points are "
          + StepPoint.allCases.map(\.rawValue).joined(separator: " "))
    }
    self.point = point
    self.action = action
  }

  package var stepPoints: StepPoints {
    StepPoints { reached async throws(VolumeError) in
      guard reached == point else { return }
      switch action {
      case .kill: OwnProcess.kill9()
      case .killAfter(let milliseconds):
        Task.detached {
          try await Task.sleep(for: .milliseconds(milliseconds))
          OwnProcess.kill9()
        }
      case .fail: throw VolumeError(.internal, "fault injected at \(point.rawValue)")
      case .hang: await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
      }
    }
  }

  private static func action(_ text: String) -> Action? {
    switch text {
    case "kill": return .kill
    case "fail": return .fail
    case "hang": return .hang
    default:
      guard text.hasPrefix("kill-after-"), let milliseconds = Int(text.dropFirst("kill-after-".count)) else {
        return nil
      }
      return .killAfter(milliseconds: milliseconds)
    }
  }
}
