internal import LogicalVolumes
internal import StorageModel

extension EngineContract {
  static let clones: [Case] = [
    Case("a clone is a volume of its own: ours, active once activated, with its own instance and marks") { subject in
      guard subject.facts.canClone else { return }
      guard let claim = ClaimUID("21111111-2222-3333-4444-555555555555") else { throw ContractViolation("a claim") }
      let (first, second) = (try VolumeName("pvc-origin"), try VolumeName("pvc-clone"))
      let origin = try await subject.create(first, units: 2)
      _ = try await subject.engine.setRetained(origin, true)
      let request = subject.request(second, subject.size(2), claim: claim)
      let outcome = try await subject.engine.clone(request, of: try origin.asOrigin)
      try expect(outcome.isChange, "cloning is a change")
      let clone = outcome.value
      let marks = StoredVolume.Marks(claim: claim, creation: request.creation, origin: origin.instance)
      try expectEqual(clone.marks, marks, "it has its own marks, names its origin, and is not retained as that is")
      try expect(clone.instance != origin.instance, "it is another instance")
      try expect(clone.location != origin.location, "it has a place of its own")
      try expectEqual(clone.size, origin.size, "it has the size asked for")
      try expect(try await subject.engine.activate(clone).value.isActive, "it can be activated")
      try expectEqual(
        try await subject.engine.volumes().map(\.instance), [clone.instance, origin.instance], "both are listed")
      try await subject.restart()
      let found = try await subject.require(second)
      try expectEqual(found.marks, marks, "its marks survive a restart")
      try expectEqual(found.instance, clone.instance, "it is the same instance after a restart")
      try expect(try await subject.engine.activate(found).value.isActive, "and can be activated as any volume")
      try expectEqual(try await subject.require(first).marks?.isRetained, true, "the origin keeps its marks")
    },
    Case("a clone is as large as asked, never smaller than its origin, and grows by itself") { subject in
      guard subject.facts.canClone else { return }
      let origin = try await subject.create(try VolumeName("pvc-origin"), units: 2)
      let source = try origin.asOrigin
      let large = try await subject.engine.clone(
        subject.request(try VolumeName("pvc-large"), ByteCount(subject.size(3).bytes - 1)), of: source
      ).value
      try expectEqual(large.size, subject.size(3), "a larger clone has the size asked for, rounded up")
      let name = try VolumeName("pvc-small")
      let error = try await expectRefusal(.invalid, "a smaller clone is refused") { () async throws(VolumeError) in
        try await subject.engine.clone(subject.request(name, subject.size(1)), of: source)
      }
      try expect(error.message.contains(name.text) && error.message.contains(origin.name.text), "\(error.message)")
      try expectEqual(try await subject.engine.volume(name), nil, "nothing was made")
      let grown = try await subject.engine.extend(large, to: subject.size(4)).value
      try expectEqual(grown.size, subject.size(4), "a clone grows")
      try expectEqual(try await subject.require(origin.name).size, origin.size, "its origin does not grow with it")
    },
    Case("a clone takes its size of the free space, and what does not fit is refused with the missing space") {
      subject in
      guard subject.facts.canClone else { return }
      let origin = try await subject.create(try VolumeName("pvc-origin"), units: 2)
      let before = try await subject.capacity()
      let clone = try await subject.engine.clone(
        subject.request(try VolumeName("pvc-clone"), subject.size(3)), of: try origin.asOrigin
      ).value
      let after = try await subject.capacity()
      try expectEqual(after.freeBytes, before.freeBytes - clone.size.bytes, "its size is taken")
      try expectEqual(after.volumes, before.volumes + 1, "it is counted")
      let name = try VolumeName("pvc-huge")
      let size = ByteCount(after.freeBytes) + subject.size(1)
      let error = try await expectRefusal(.noSpace, "what does not fit is refused") { () async throws(VolumeError) in
        try await subject.engine.clone(subject.request(name, size), of: try origin.asOrigin)
      }
      try expect(error.message.contains("missing"), "the refusal says what is missing: \(error.message)")
      try expectEqual(try await subject.engine.volume(name), nil, "nothing was made")
      _ = try await subject.engine.remove(clone)
      try await subject.expectSame(before, "all of it comes back")
    },
    Case("origin and clone are removed in any order, and clones of clones are volumes like others") { subject in
      guard subject.facts.canClone else { return }
      for isOriginFirst in [true, false] {
        let origin = try await subject.create(try VolumeName("pvc-origin"))
        let clone = try await subject.clone(origin, as: try VolumeName("pvc-clone"))
        let second = try await subject.clone(clone, as: try VolumeName("pvc-second"))
        let order = isOriginFirst ? [origin, clone, second] : [clone, origin, second]
        for volume in order {
          try expect(try await subject.engine.remove(volume).isChange, "\(volume.name) is removed")
          try expectEqual(try await subject.engine.volume(volume.name), nil, "\(volume.name) is gone")
        }
        try expectEqual(try await subject.engine.volumes(), [], "nothing is left")
      }
    },
    Case("cloning again changes nothing, whatever the size, the token and the origin") { subject in
      guard subject.facts.canClone else { return }
      let origin = try await subject.create(try VolumeName("pvc-origin"))
      let clone = try await subject.clone(origin, as: try VolumeName("pvc-clone"))
      let gone = try CloneOrigin(name: try VolumeName("pvc-gone"), instance: "gone")
      for source in [try origin.asOrigin, gone] {
        let outcome = try await subject.engine.clone(subject.request(clone.name, subject.size(3)), of: source)
        try expect(!outcome.isChange, "a volume that exists is unchanged")
        try expectEqual(outcome.value.instance, clone.instance, "the same volume is returned")
        try expectEqual(outcome.value.size, clone.size, "its size stays")
      }
    },
    Case("an origin that is missing, another instance, or not ours is refused, and nothing is created") { subject in
      guard subject.facts.canClone else { return }
      let origin = try await subject.create(try VolumeName("pvc-origin"))
      let name = try VolumeName("pvc-clone")
      let missing = try CloneOrigin(name: try VolumeName("pvc-missing"), instance: origin.instance)
      let other = try CloneOrigin(name: origin.name, instance: "other")
      var rows: [(CloneOrigin, VolumeError.Code, String)] = [
        (missing, .notFound, "a missing origin"), (other, .conflict, "another instance"),
        (try CloneOrigin(name: name, instance: "x"), .notFound, "itself"),
      ]
      if subject.canPlaceForeign {
        let foreign = try await subject.placeForeign(try VolumeName("foreign-origin"), subject.size(1))
        rows.append((try foreign.asOrigin, .unsafe, "a foreign volume"))
      }
      for (source, code, remark) in rows {
        let error = try await expectRefusal(code, "\(remark) is refused") { () async throws(VolumeError) in
          try await subject.engine.clone(subject.request(name, subject.size(1)), of: source)
        }
        try expect(error.message.contains(source.name.text), "the refusal names the origin: \(error.message)")
        try expectEqual(try await subject.engine.volume(name), nil, "nothing was made from \(remark)")
      }
    },
    Case("an engine that cannot clone refuses, says what can, and creates nothing") { subject in
      guard !subject.facts.canClone else { return }
      let origin = try await subject.create(try VolumeName("pvc-origin"))
      let name = try VolumeName("pvc-clone")
      let error = try await expectRefusal(.invalid, "a clone is refused") { () async throws(VolumeError) in
        try await subject.engine.clone(subject.request(name, subject.size(1)), of: try origin.asOrigin)
      }
      for word in [name.text, origin.name.text, "only thin volumes"] {
        try expect(error.message.contains(word), "the refusal says \(word): \(error.message)")
      }
      try expectEqual(try await subject.engine.volume(name), nil, "nothing was made")
      let same = try await subject.engine.clone(
        subject.request(origin.name, subject.size(1)), of: try origin.asOrigin)
      try expect(!same.isChange && same.value.instance == origin.instance, "a volume that exists is returned as it is")
    },
  ]
}

extension EngineUnderTest {
  /// Clones a volume under a name that must not exist yet.
  fileprivate func clone(_ origin: StoredVolume, as name: VolumeName) async throws -> StoredVolume {
    let outcome = try await engine.clone(request(name, origin.size), of: try origin.asOrigin)
    try expect(outcome.isChange, "a fresh clone \(name) is reported as changed")
    return outcome.value
  }
}

extension StoredVolume {
  /// The volume as the origin of a clone.
  var asOrigin: CloneOrigin { get throws(VolumeError) { try CloneOrigin(name: name, instance: instance) } }
}
