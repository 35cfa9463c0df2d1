import Glibc
import LinuxSystem
import StorageModel
import Testing

@testable import LogicalVolumes

/// What a crash or a stranger leaves in the directories of the image and the directory engine.
@Suite("Volumes as files and directories", .serialized)
struct RecordedEngineTests {
  private let scratch: ScratchDirectory
  private let name: VolumeName

  init() throws {
    scratch = try ScratchDirectory()
    name = try VolumeName("pvc-1")
  }

  enum Kind: String, CaseIterable, Sendable {
    case images, directories

    /// Where a volume's data is, below the engine's directory.
    func data(_ name: VolumeName) -> String { self == .images ? "\(name).img" : "volumes/\(name)" }
  }

  private func engine(_ kind: Kind) async throws -> RecordedEngine {
    let engine: RecordedEngine =
      kind == .images ? .images(in: scratch["images"]) : .directories(in: scratch["directories"])
    try await engine.start()
    return engine
  }

  private func made(_ engine: RecordedEngine) async throws -> StoredVolume {
    try await engine.create(
      CreationRequest(name: name, size: .mebibytes(8), claim: nil, creation: token())
    ).value
  }

  private func record(_ kind: Kind) -> String { scratch["\(kind)/records/\(name).json"] }

  @Test("a record without its volume is left by an interrupted step and removed at start", arguments: Kind.allCases)
  func recordAlone(_ kind: Kind) async throws {
    _ = try await made(engine(kind))
    try Files.removeTree(scratch["\(kind)/\(kind.data(name))"])
    let engine = try await engine(kind)
    #expect(try await engine.volume(name) == nil)
    #expect(!Files.exists(record(kind)))
    #expect(try await engine.capacity().first?.volumes == 0)
  }

  @Test("a volume without its record is foreign, and stays through a start", arguments: Kind.allCases)
  func dataAlone(_ kind: Kind) async throws {
    _ = try await made(engine(kind))
    try Files.removeDurably(record(kind))
    let engine = try await engine(kind)
    let found = try #require(try await engine.volume(name))
    #expect(found.marks == nil)
    let error = await failure { () async throws(VolumeError) in _ = try await engine.remove(found) }
    #expect(error?.code == .unsafe)
    #expect(Files.exists(scratch["\(kind)/\(kind.data(name))"]))
  }

  @Test(
    "a record that is garbage is refused by its path, and nothing of the volume is touched", arguments: Kind.allCases)
  func garbage(_ kind: Kind) async throws {
    let engine = try await engine(kind)
    let volume = try await made(engine)
    let whole = String(decoding: try Files.readAll(record(kind)), as: UTF8.self)
    let another = whole.replacing("\"\(name)\"", with: "\"another\"")
    let path = whole.replacing(volume.instance, with: "/../../x")
    for text in ["", "{", "null", "{}", another, path] {
      try Files.writeDurably(Array(text.utf8), to: record(kind))
      for number in 0..<4 {
        let error = await attempt(number, engine, volume)
        #expect(error?.message.contains(record(kind)) == true, "\(text): \(error?.message ?? "no error")")
      }
      #expect(Files.exists(scratch["\(kind)/\(kind.data(name))"]))
    }
  }

  /// One of the ways to come across a record.
  private func attempt(_ number: Int, _ engine: RecordedEngine, _ volume: StoredVolume) async -> VolumeError? {
    do throws(VolumeError) {
      switch number {
      case 0: _ = try await engine.volume(volume.name)
      case 1: _ = try await engine.volumes()
      case 2: _ = try await engine.remove(volume)
      default: try await engine.start()
      }
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "a symbolic link in a volume's place is not a volume, is not followed, and its target stays",
    arguments: Kind.allCases)
  func link(_ kind: Kind) async throws {
    let engine = try await engine(kind)
    let target = try scratch.directory("target")
    try scratch.write("precious", to: "target/data")
    let place = scratch["\(kind)/\(kind.data(name))"]
    #expect(symlink(kind == .images ? target + "/data" : target, place) == 0)
    #expect(try await engine.volume(name) == nil)
    let request = CreationRequest(name: name, size: .mebibytes(1), claim: nil, creation: try token())
    let error = await failure { () async throws(VolumeError) in _ = try await engine.create(request) }
    #expect(error != nil, "nothing is made in its place")
    #expect(try Files.readText(target + "/data") == "precious")
    #expect(Files.linkTarget(place) != nil)
  }

  @Test(
    "a directory removed with files in it is gone with all of them, and a start finishes a removal that a crash interrupted"
  )
  func removal() async throws {
    let engine = try await engine(.directories)
    let volume = try await made(engine)
    try scratch.write("data", to: "directories/volumes/pvc-1/file")
    _ = try scratch.directory("directories/volumes/pvc-1/a/b/c")
    #expect(try await engine.remove(volume).isChange)
    #expect(!Files.exists(scratch["directories/volumes/pvc-1"]))

    let again = try await made(engine)
    try scratch.write("data", to: "directories/volumes/pvc-1/file")
    #expect(
      rename(scratch["directories/volumes/pvc-1"], scratch["directories/removing-pvc-1-\(again.instance)"]) == 0)
    let restarted = try await self.engine(.directories)
    #expect(try await restarted.volume(name) == nil)
    #expect(!Files.exists(scratch["directories/removing-pvc-1-\(again.instance)"]))
    #expect(try Files.list(scratch["directories/records"]).isEmpty)
  }

  @Test(
    "a loop device follows its image: one while active, grown with it, none after detach, removal and start",
    .enabled(if: Machine.hasLoopDevices, Machine.needsLoopDevices))
  func loops() async throws {
    let engine = try await engine(.images)
    let volume = try await made(engine)
    func devices() throws -> [String] {
      try LoopDevice.all().filter { $0.backingFile.hasPrefix(scratch.path) }.map(\.device)
    }
    #expect(try devices().isEmpty)
    let active = try await engine.activate(volume).value
    let device = try #require(try devices().first)
    #expect(active.location == .device(device))
    let grown = try await engine.extend(active, to: .mebibytes(16)).value
    #expect(try BlockDevice.size(of: device) == .mebibytes(16))
    try await engine.detach(name)
    #expect(try devices().isEmpty)
    _ = try await engine.activate(grown)
    #expect(try devices().count == 1)
    let restarted = try await self.engine(.images)
    #expect(try devices().isEmpty, "a crash left it, nobody has it mounted")
    _ = try await restarted.activate(grown)
    #expect(try await restarted.remove(grown).isChange)
    #expect(try devices().isEmpty)
  }
}
