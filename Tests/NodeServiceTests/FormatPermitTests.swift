import StorageModel
import Testing

@testable import LogicalVolumes
@testable import NodeService

@Suite("Permits to format")
struct FormatPermitTests {
  private func permit(_ name: String, progress: String = "planned", for volume: String = "pvc-K") throws
    -> FormatPermit?
  {
    let text = #"{"volume":"\#(name)","creation":"abcdefghij234567","progress":"\#(progress)"}"#
    return FormatPermit(decoding: Array(text.utf8), of: try VolumeName(volume))
  }

  @Test("a written permit is read back unchanged", arguments: FormatPermit.Progress.allCases)
  func written(_ progress: FormatPermit.Progress) throws {
    let creation = try #require(CreationToken("abcdefghij234567"))
    let permit = FormatPermit(volume: try VolumeName("pvc-1"), creation: creation, progress: progress)
    #expect(FormatPermit(decoding: permit.encoded(), of: permit.volume) == permit)
  }

  @Test("a permit of another volume is none, also of one whose name Unicode takes for the same")
  func others() throws {
    #expect(try permit("pvc-K")?.volume.text == "pvc-K")
    #expect(try permit("pvc-k") == nil)
    #expect(try permit("pvc-\u{212A}") == nil)
    #expect(try permit("pvc-K", progress: "done") == nil)
  }
}
