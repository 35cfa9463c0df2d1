internal import LogicalVolumes
internal import StorageModel

extension EngineContract {
  static let ownership: [Case] = [
    Case("a foreign volume is reported as foreign, listed nowhere, and never grown, marked or removed") { subject in
      guard subject.canPlaceForeign else { return }
      let name = try VolumeName("foreign-kept")
      let size = subject.size(2)
      let foreign = try await subject.placeForeign(name, size)
      guard case .foreign(let isAdoptable, _) = foreign.ownership else {
        throw ContractViolation("a volume without our marks is foreign, found \(foreign.ownership)")
      }
      try expect(isAdoptable, "a plain foreign volume may be adopted")
      try expectEqual(foreign.marks, nil, "a foreign volume has no marks")
      try expectEqual(try await subject.engine.volumes(), [], "a foreign volume is none of ours")
      try expectEqual(try await subject.capacity().volumes, 0, "it is not counted as ours")

      let created = try await subject.engine.create(subject.request(name, subject.size(1)))
      try expect(!created.isChange, "a foreign volume of that name is returned as it is")
      try expectEqual(created.value.marks, nil, "and does not become ours by that")

      // With the truth in hand, and with a value that claims to be ours: the engine looks for itself.
      var forged = foreign
      forged.ownership = .ours(StoredVolume.Marks(claim: nil, creation: freshToken()))
      for volume in [foreign, forged] {
        try await subject.expectUntouched(volume, as: foreign)
      }
      try await subject.restart()
      try expectEqual(try await subject.require(name).ownership, foreign.ownership, "it still is foreign")
    },
    Case("a foreign volume is adopted once, has no creation token, and is ours from then on") { subject in
      guard subject.canPlaceForeign else { return }
      guard let claim = ClaimUID("11111111-2222-3333-4444-555555555555") else { throw ContractViolation("a claim") }
      let name = try VolumeName("foreign-adopted")
      let foreign = try await subject.placeForeign(name, subject.size(2))
      let adopted = try await subject.engine.adopt(foreign, claim: claim)
      try expect(adopted.isChange, "adopting is a change")
      try expectEqual(
        adopted.value.marks, StoredVolume.Marks(claim: claim, creation: nil),
        "an adopted volume has the claim and no creation token, so it can never be formatted")
      try expectEqual(adopted.value.size, foreign.size, "its size stays")
      try expect(try await !subject.engine.adopt(adopted.value, claim: nil).isChange, "again is no change")
      try await subject.restart()
      let found = try await subject.require(name)
      try expectEqual(found.marks, adopted.value.marks, "the adoption survives a restart")
      try expectEqual(found.instance, adopted.value.instance, "so does the instance")
      try expectEqual(try await subject.engine.volumes().map(\.name), [name], "an adopted volume is listed")
    },
    Case("adopting a volume of ours changes none of its marks") { subject in
      let made = try await subject.create(try VolumeName("pvc-ours"))
      let outcome = try await subject.engine.adopt(made, claim: nil)
      try expect(!outcome.isChange, "it is ours already")
      try expectEqual(outcome.value.marks, made.marks, "its creation token stays")
    },
  ]

  static let removal: [Case] = [
    Case("removing says once that it changed something; removing a volume that is gone is not an error") { subject in
      let name = try VolumeName("pvc-remove")
      let kept = try await subject.create(try VolumeName("pvc-remove-not"))
      let made = try await subject.create(name)
      try expect(try await subject.engine.remove(made).isChange, "removing is a change")
      try expectEqual(try await subject.engine.volume(name), nil, "it is gone")
      try expect(try await !subject.engine.remove(made).isChange, "again is no change")
      try expectEqual(try await subject.engine.volumes().map(\.name), [kept.name], "its neighbour stays")
      try await subject.restart()
      try expectEqual(try await subject.engine.volume(name), nil, "it is gone after a restart too")
      try expectEqual(try await subject.engine.volumes().map(\.name), [kept.name], "its neighbour still stays")
    },
    Case("an older value of a volume that was created again removes nothing") { subject in
      let name = try VolumeName("pvc-remade")
      let old = try await subject.create(name)
      _ = try await subject.engine.remove(old)
      let remade = try await subject.create(name)
      try expect(remade.instance != old.instance, "a volume made anew is another instance")
      try expect(try await !subject.engine.remove(old).isChange, "the older value removes nothing")
      try expectEqual(try await subject.require(name).instance, remade.instance, "the new volume is there")
      try await subject.restart()
      try expect(try await !subject.engine.remove(old).isChange, "nor does it after a restart")
      try expectEqual(try await subject.require(name).instance, remade.instance, "the new volume is still there")
    },
    Case("a retained volume is not removed, with a fresh value or an older one, until the mark is cleared") { subject in
      let name = try VolumeName("pvc-retained")
      let made = try await subject.create(name)
      let marked = try await subject.engine.setRetained(made, true)
      try expect(marked.isChange, "marking is a change")
      try expectEqual(marked.value.marks?.isRetained, true, "it carries the mark")
      try expectEqual(marked.value.marks?.creation, made.marks?.creation, "the other marks stay")
      try expect(try await !subject.engine.setRetained(made, true).isChange, "marking again is no change")
      for volume in [made, marked.value] {
        let error = try await expectRefusal(.unsafe, "a retained volume is kept") { () async throws(VolumeError) in
          try await subject.engine.remove(volume)
        }
        try expect(error.message.contains(name.text), "the refusal names the volume: \(error.message)")
      }
      try await subject.restart()
      try await expectRefusal(.unsafe, "kept after a restart") { () async throws(VolumeError) in
        try await subject.engine.remove(made)
      }
      let cleared = try await subject.engine.setRetained(made, false)
      try expect(cleared.isChange, "clearing is a change")
      try expectEqual(cleared.value.marks?.isRetained, false, "the mark is off")
      try expect(try await !subject.engine.setRetained(made, false).isChange, "clearing again is no change")
      try expect(try await subject.engine.remove(made).isChange, "then it can be removed")
    },
  ]
}

extension EngineUnderTest {
  /// Whatever a caller asks for a foreign volume, it stays as it is.
  fileprivate func expectUntouched(_ volume: StoredVolume, as original: StoredVolume) async throws {
    let attempts: [(String, @Sendable () async throws(VolumeError) -> Outcome<StoredVolume>)] = [
      (
        "grow",
        { [engine] () async throws(VolumeError) in try await engine.extend(volume, to: volume.size + volume.size) }
      ),
      ("mark", { [engine] () async throws(VolumeError) in try await engine.setRetained(volume, true) }),
      ("unmark", { [engine] () async throws(VolumeError) in try await engine.setRetained(volume, false) }),
      ("remove", { [engine] () async throws(VolumeError) in try await engine.remove(volume) }),
    ]
    for (what, attempt) in attempts {
      try await expectRefusal(.unsafe, "a foreign volume is not ours to \(what)", attempt)
      let found = try await require(original.name)
      try expectEqual(found.ownership, original.ownership, "it stays foreign after an attempt to \(what)")
      try expectEqual(found.size, original.size, "it keeps its size after an attempt to \(what)")
      try expectEqual(found.instance, original.instance, "it stays the same after an attempt to \(what)")
    }
  }
}
