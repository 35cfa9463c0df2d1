internal import JSON
internal import StorageModel

/// The record of a volume. The file and directory engines store in it what LVM stores in tags.
struct VolumeRecord: Sendable {
  var volume: String
  var creation: String?
  var claim: String?
  var isRetained: Bool
  var sizeBytes: UInt64
  /// Seconds since 1970.
  var createdAt: Int64
  /// Distinguishes this volume from a later one of the same name.
  var instance: String

  var marks: StoredVolume.Marks {
    StoredVolume.Marks(
      claim: claim.flatMap { ClaimUID($0) }, creation: creation.flatMap { CreationToken($0) }, isRetained: isRetained)
  }
}

extension VolumeRecord {
  /// The record of one volume from its file. Nil for anything that we would not have written: text that is not JSON,
  /// another volume's record, and invalid words. The claim and the instance decide about removal, so nothing is
  /// guessed.
  init?(decoding bytes: [UInt8], of name: VolumeName) {
    guard let members = Members(bytes), let volume = members.strings["volume"],
      volume.utf8.elementsEqual(name.text.utf8), let instance = members.strings["instance"],
      CreationToken(instance) != nil, let isRetained = members.isRetained, let size = members.sizeBytes, size >= 0,
      let createdAt = members.createdAt
    else { return nil }
    let (creation, claim) = (members.strings["creation"], members.strings["claim"])
    guard creation.map({ CreationToken($0) != nil }) ?? true, claim.map({ ClaimUID($0) != nil }) ?? true else {
      return nil
    }
    self.init(
      volume: volume, creation: creation, claim: claim, isRetained: isRetained, sizeBytes: UInt64(size),
      createdAt: createdAt, instance: instance)
  }

  /// The bytes of its file.
  func encoded() -> [UInt8] {
    JSONValue.members([
      "claim": claim.map { .string($0) }, "createdAt": .number(createdAt), "creation": creation.map { .string($0) },
      "instance": .string(instance), "isRetained": .bool(isRetained), "sizeBytes": .number(Int64(clamping: sizeBytes)),
      "volume": .string(volume),
    ]).encoded
  }

  /// The members of a record.
  private struct Members {
    var strings: [String: String] = [:]
    var isRetained: Bool?
    var sizeBytes: Int64?
    var createdAt: Int64?

    /// Nil for text that is not a JSON object, and if a member has another type.
    init?(_ bytes: [UInt8]) {
      do throws(JSONSyntaxError) {
        var json = try JSONReader(strict: bytes)
        guard try json.beginObject() else { return nil }
        while let key = try json.nextKey() {
          switch key {
          case "volume", "instance", "creation", "claim":
            guard try !json.null() else { continue }
            guard let text = try json.string() else { return nil }
            strings[key] = text
          case "isRetained": isRetained = try json.bool()
          case "sizeBytes": sizeBytes = try json.integer()
          case "createdAt": createdAt = try json.integer()
          default: break
          }
        }
        try json.end()
      } catch {
        return nil
      }
    }
  }
}
