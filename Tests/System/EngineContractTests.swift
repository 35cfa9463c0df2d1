import EngineContract
import LinuxSystem
import LogicalVolumes
import StorageModel
import Testing

@Suite("The engine contract on real LVM", .serialized, .lab, .exclusive)
struct EngineContractTests {
  @Test("every promise is kept", arguments: [StorageKind.thick, .thin])
  func contract(storage: StorageKind) async throws {
    let group = try VolumeGroup(thinPool: storage == .thin ? "2g" : nil)
    let directory = Scratch.fresh("engine")
    do {
      try await check(storage, group, directory)
    } catch {
      try group.destroy()
      throw error
    }
    try group.destroy()
    try Files.removeTree(directory)
  }

  private func check(_ storage: StorageKind, _ group: VolumeGroup, _ directory: String) async throws {
    let options = LVMOptions(
      groups: [try VolumeGroupName(group.name)],
      thinPool: storage == .thin ? try VolumeName(VolumeGroup.thinPool) : nil, systemDirectory: directory, udev: .off)
    // The device mapper's names hold 127 characters, with the group's in front.
    let taken = lastComponent(of: group.device("")).utf8.count
    let facts = EngineUnderTest.Facts(
      unit: .mebibytes(4), figuresAddUp: storage == .thick, longestName: min(VolumeName.maximumLength, 127 - taken),
      canClone: storage == .thin)
    let subject = try await EngineUnderTest(facts) {
      let engine = LVMEngine(options: options)
      try await engine.start()
      return engine
    } placeForeign: { name, size in
      _ = try run("lvcreate", "-q", "-q", "-y", "-n", name.text, "-L", "\(size.bytes)b", group.name)
    }
    for promise in EngineContract.cases {
      do {
        try await promise.run(subject)
      } catch {
        Issue.record("\(promise): \(error)")
      }
      try await subject.clear()
      for volume in try group.volumes() where volume.name != VolumeGroup.thinPool { try group.remove(volume.name) }
    }
  }
}
