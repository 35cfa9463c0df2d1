import StorageModel
import Testing

@testable import LogicalVolumes

@Suite("Tags of logical volumes")
struct VolumeTagsTests {
  private static let creation = "elastic-local/creation=abcdefghij234567"
  private static let claim = "elastic-local/claim=6f1c0000-0000-4000-8000-00000000abcd"

  private func marks(_ tags: String...) -> StoredVolume.Marks? { VolumeTags.marks(in: tags.map { Substring($0) }) }

  @Test("the tags of a clone are read as they were written, its origin too, and an empty volume has none")
  func origin() throws {
    let name = try VolumeName("pvc-1")
    let uuid = "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D"
    for origin in [uuid, nil] {
      let tags = VolumeTags.tags(volume: name, claim: nil, creation: CreationToken("abcdefghij234567"), origin: origin)
      let found = VolumeTags.marks(in: tags.map { Substring($0) })
      #expect(found?.origin == origin && found?.creation?.text == "abcdefghij234567" && found?.isRetained == false)
    }
  }

  @Test("a mark with two values does not count, and a repeated mark counts once")
  func twoValues() throws {
    let whole = try #require(marks("elastic-local", Self.creation, Self.claim))
    #expect(whole.creation?.text == "abcdefghij234567" && whole.claim != nil)
    #expect(marks("elastic-local", Self.creation, Self.claim, Self.creation) == whole)
    let other = "elastic-local/claim=00000000-0000-4000-8000-00000000abcd"
    for tags in [[other, Self.claim], [Self.claim, other]] {
      let found = marks("elastic-local", Self.creation, tags[0], tags[1])
      #expect(found?.claim == nil && found?.creation == whole.creation)
    }
    for second in ["zzzzzzzzzzzzzzzz", "", "\u{301}"] {
      let found = marks("elastic-local", Self.creation, "elastic-local/creation=\(second)", Self.claim)
      #expect(found?.creation == nil && found?.claim == whole.claim)
    }
  }
}
