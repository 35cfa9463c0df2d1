internal import LogicalVolumes
internal import StorageModel

extension EngineContract {
  static let growth: [Case] = [
    Case("growing rounds up, says once that it changed something, and never shrinks") { subject in
      let name = try VolumeName("pvc-grow")
      let made = try await subject.create(name, units: 2)
      for size in [ByteCount(1), subject.size(1), made.size] {
        let outcome = try await subject.engine.extend(made, to: size)
        try expect(!outcome.isChange, "\(size) is there already")
        try expectEqual(outcome.value.size, made.size, "a volume never shrinks")
      }
      let asked = ByteCount(subject.size(4).bytes - 1)
      let grown = try await subject.engine.extend(made, to: asked)
      try expect(grown.isChange, "growing is a change")
      try expectEqual(grown.value.size, asked.roundedUp(to: subject.facts.unit), "rounded up to the unit")
      try expectEqual(grown.value.instance, made.instance, "it stays the same volume")
      try expectEqual(grown.value.marks, made.marks, "its marks stay")
      try expect(try await !subject.engine.extend(grown.value, to: asked).isChange, "again is no change")
      try expect(try await !subject.engine.extend(made, to: asked).isChange, "nor is it with the older value")
      try await subject.restart()
      try expectEqual(try await subject.require(name).size, grown.value.size, "the new size survives a restart")
    },
    Case("growing without free space says how much is missing and changes nothing") { subject in
      let name = try VolumeName("pvc-no-room")
      let made = try await subject.create(name)
      let before = try await subject.capacity()
      let asked = ByteCount(before.freeBytes) + subject.size(64) + made.size
      let error = try await expectRefusal(.noSpace, "there is no room") { () async throws(VolumeError) in
        try await subject.engine.extend(made, to: asked)
      }
      try expect(error.message.contains("missing"), "the refusal says what is missing: \(error.message)")
      try expect(error.message.contains(name.text), "the refusal names the volume: \(error.message)")
      try expectEqual(try await subject.require(name).size, made.size, "the size stays")
      try await subject.expectSame(before, "the figures stay")
    },
    Case("a volume that is gone, or was created again, is not grown or marked through an older value") { subject in
      let name = try VolumeName("pvc-gone")
      let old = try await subject.create(name)
      _ = try await subject.engine.remove(old)
      for isRemade in [false, true] {
        let remade = isRemade ? try await subject.create(name) : nil
        try await expectRefusal(.notFound, "what is gone cannot be grown") { () async throws(VolumeError) in
          try await subject.engine.extend(old, to: subject.size(2))
        }
        try await expectRefusal(.notFound, "what is gone cannot be marked") { () async throws(VolumeError) in
          try await subject.engine.setRetained(old, true)
        }
        let found = try await subject.engine.volume(name)
        try expectEqual(found?.size, remade?.size, "the new volume keeps its size")
        try expectEqual(found?.marks, remade?.marks, "the new volume keeps its marks")
      }
    },
  ]
}
