import Glibc
import VolumeHost

/// The results, as lines or as JSON.
struct Report {
  let isJSON: Bool
  private var results: [SanityResult] = []

  init(isJSON: Bool) { self.isJSON = isJSON }

  private var passed: Int { results.count { $0.verdict == .passed } }
  private var skipped: Int { results.count { if case .skipped = $0.verdict { true } else { false } } }
  var failed: Int { results.count - passed - skipped }

  mutating func add(_ result: SanityResult) {
    results.append(result)
    if isJSON { return }
    print(Self.lines(result))
    // Progress must also show in a pipe.
    fflush(nil)
  }

  func finish() { print(isJSON ? json : "\(passed) passed, \(failed) failed, \(skipped) skipped") }

  private static func lines(_ result: SanityResult) -> String {
    let name = result.sanityCase.name
    switch result.verdict {
    case .passed: return "passed   \(name)"
    case .skipped(let reason): return "skipped  \(name): \(reason)"
    case .failed(let detail):
      return """
        FAILED   \(name): \(detail)
                 required: \(result.sanityCase.reason)
                 otherwise: \(result.sanityCase.consequence)
        """
    }
  }
}

extension Report {
  private var json: String {
    let cases = results.map(Self.object).joined(separator: ",")
    return #"{"passed":\#(passed),"failed":\#(failed),"skipped":\#(skipped),"cases":[\#(cases)]}"#
  }

  private static func object(_ result: SanityResult) -> String {
    let (word, detail) =
      switch result.verdict {
      case .passed: ("passed", "")
      case .failed(let detail): ("failed", detail)
      case .skipped(let reason): ("skipped", reason)
      }
    let milliseconds = Int(result.duration / .milliseconds(1))
    return "{\"name\":\(quote(result.sanityCase.name)),\"result\":\"\(word)\",\"detail\":\(quote(detail)),"
      + "\"reason\":\(quote(result.sanityCase.reason)),\"consequence\":\(quote(result.sanityCase.consequence)),"
      + "\"milliseconds\":\(milliseconds)}"
  }

  private static func quote(_ text: String) -> String {
    let escaped = text.unicodeScalars.map { scalar in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\0"..<" ": "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: String(scalar)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
