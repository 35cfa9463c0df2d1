import Controllers
import FoundationEssentials
import StorageModel
import Testing

@Suite("Reasons of Events")
struct EventReasonTests {
  @Test("docs/operations.md has each reason with its type once, and no other")
  func documented() throws {
    let page = URL(filePath: #filePath).appending(path: "../../../docs/operations.md").standardized
    let text = try String(contentsOf: page, encoding: .utf8)
    let section = try #require(text.split(separator: "\n## ").first { $0.hasPrefix("Events\n") })
    let rows = section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
      row.split(separator: "|").prefix(2).map { String($0.filter { !" `".contains($0) }) }
    }
    #expect(Set(rows) == Set(EventReason.allCases.map { [$0.rawValue, $0.type] }))
    #expect(rows.count == EventReason.allCases.count)
  }

  @Test("a reason is one word in camel case, as the API server demands and machines expect")
  func words() {
    for reason in EventReason.allCases {
      let word = reason.rawValue
      #expect(word.first?.isUppercase == true && word.allSatisfy { $0.isASCII && $0.isLetter }, "\(word)")
    }
  }

  @Test("among a node's refusals only work in progress is not a warning")
  func codes() {
    for code in VolumeError.Code.allCases {
      #expect(EventReason(code).isWarning == (code != .inProgress), "\(code)")
    }
    #expect(EventReason(.noSpace) == .insufficientStorage && EventReason(.unsafe) == .volumeProtected)
  }
}
