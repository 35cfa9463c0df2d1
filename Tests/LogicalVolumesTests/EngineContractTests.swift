import EngineContract
import LinuxSystem
import LogicalVolumes
import StorageModel
import Synchronization
import Testing

/// The same promises for every engine. LVM's are kept in Tests/System, where there is a device mapper.
@Suite("The contract of engines")
struct EngineContractTests {
  @Test("the simulated engine keeps its promise:", arguments: EngineContract.cases)
  func simulated(_ promise: EngineContract.Case) async throws {
    let world = SimulatedWorld(totalSize: .mebibytes(256))
    let subject = try await EngineUnderTest(
      EngineUnderTest.Facts(unit: .mebibytes(4), canClone: true),
      makeEngine: {
        let engine = SimulatedEngine(world: world)
        try await engine.start()
        return engine
      },
      placeForeign: { name, size in world.placeForeign(name, size) })
    try await promise.run(subject)
  }

  @Test(
    "the disk image engine keeps its promise, on real loop devices:", .serialized,
    .enabled(if: Machine.hasLoopDevices, Machine.needsLoopDevices), arguments: EngineContract.cases)
  func file(_ promise: EngineContract.Case) async throws {
    let scratch = try ScratchDirectory(mebibytes: 96)
    let directory = scratch["images"]
    let subject = try await EngineUnderTest(
      EngineUnderTest.Facts(unit: .mebibytes(1), slack: .kibibytes(256)),
      makeEngine: {
        let engine = RecordedEngine.images(in: directory)
        try await engine.start()
        return engine
      },
      placeForeign: { name, size in try Files.makeSparse("\(directory)/\(name).img", size: size, mode: 0o600) })
    try await promise.run(subject)
    try await subject.clear()
    let loops = try LoopDevice.all().filter { $0.backingFile.hasPrefix(scratch.path) }
    #expect(loops.isEmpty, "no loop device is left when all volumes are gone")
  }

  @Test("the directory engine keeps its promise:", .serialized, arguments: EngineContract.cases)
  func directory(_ promise: EngineContract.Case) async throws {
    // Without root there is no disk to call its own: others write to it meanwhile, so figures may drift.
    let scratch = try ScratchDirectory(mebibytes: Machine.isRoot ? 96 : nil)
    let directory = scratch["directories"]
    let subject = try await EngineUnderTest(
      EngineUnderTest.Facts(unit: ByteCount(1), slack: Machine.isRoot ? .kibibytes(256) : .mebibytes(256)),
      makeEngine: {
        let engine = RecordedEngine.directories(in: directory)
        try await engine.start()
        return engine
      },
      placeForeign: { name, _ in try Files.makeDirectory("\(directory)/volumes/\(name)", mode: 0o755) })
    try await promise.run(subject)
  }

  @Test("every case has its own sentence")
  func sentences() {
    let names = EngineContract.cases.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count >= 20)
  }
}

extension SimulatedWorld {
  /// A volume such as the Go program made it, or anything else that is not ours.
  func placeForeign(
    _ name: VolumeName, _ size: ByteCount, contents: DeviceContents = .blank, adoptable: Bool = true,
    kind: String = "linear volume"
  ) {
    state.withLock { state in
      let device = "/dev/simulated/\(name)"
      state.volumes[name.text] = StoredVolume(
        name: name, instance: "foreign-\(name)", location: .device(device), size: size, group: SimulatedEngine.group,
        ownership: .foreign(adoptable: adoptable, kind: kind), isActive: true, createdAt: nil)
      state.devices[device] = contents
      state.deviceNumbers[device] = DeviceNumber(major: 240, minor: state.nextDevice)
      state.nextDevice += 1
    }
  }
}
