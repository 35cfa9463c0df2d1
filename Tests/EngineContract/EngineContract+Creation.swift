internal import LogicalVolumes
internal import StorageModel

extension EngineContract {
  static let creation: [Case] = [
    Case("a created volume is found again, active once activated, ours, and of the asked size or more") { subject in
      let name = try VolumeName("pvc-fresh")
      try expectEqual(try await subject.engine.volume(name), nil, "an unknown volume is nil")
      let asked = ByteCount(subject.size(2).bytes - 1)
      let outcome = try await subject.engine.create(subject.request(name, asked))
      try expect(outcome.isChange, "making a volume is a change")
      let made = outcome.value
      try expect(made.size >= asked, "a volume is never smaller than asked: \(made.size.bytes)")
      try expectEqual(made.size, asked.roundedUp(to: subject.facts.unit), "a size is rounded up to the unit, once")
      try expect(made.createdAt != nil, "a fresh volume has a time of birth")
      try expect(!made.instance.isEmpty, "a fresh volume has an instance")
      let active = try await subject.engine.activate(made).value
      try expect(active.isActive, "an activated volume is active")
      let found = try await subject.require(name)
      try expectEqual(found.instance, made.instance, "the volume found is the one made")
      try expectEqual(found.size, made.size, "the size found is the size made")
      try expectEqual(found.marks, made.marks, "the marks found are those made")
      try expectEqual(found.group, made.group, "the group found is the group made")
      try expect(found.isActive, "an activated volume is found active")
    },
    Case("creating a volume again changes nothing, whatever the size and the token") { subject in
      let name = try VolumeName("pvc-again")
      let made = try await subject.create(name, units: 2)
      for size in [subject.size(1), subject.size(2), subject.size(3)] {
        let outcome = try await subject.engine.create(subject.request(name, size))
        try expect(!outcome.isChange, "a volume that exists is unchanged (asked for \(size))")
        try expectEqual(outcome.value.instance, made.instance, "the same volume is returned")
        try expectEqual(outcome.value.size, made.size, "its size stays")
        try expectEqual(outcome.value.marks, made.marks, "its marks stay, the creation token above all")
      }
      try expectEqual(try await subject.engine.volumes().count, 1, "there is one volume")
    },
    Case("marks survive a restart: claim, creation token, retained") { subject in
      guard let claim = ClaimUID("0f3b6c1e-8d2a-4c55-9e0f-1a2b3c4d5e6f") else { throw ContractViolation("a claim") }
      let named = try VolumeName("pvc-\(claim)")
      let plain = try VolumeName("plain")
      let request = subject.request(named, subject.size(1), claim: claim)
      let made = try await subject.engine.create(request).value
      _ = try await subject.create(plain)
      _ = try await subject.engine.setRetained(made, true)
      try await subject.restart()
      let found = try await subject.require(named)
      try expectEqual(
        found.marks, StoredVolume.Marks(claim: claim, creation: request.creation, isRetained: true),
        "all marks are back after a restart")
      try expectEqual(found.instance, made.instance, "the instance is the same after a restart")
      try expectEqual(found.size, made.size, "the size is the same after a restart")
      try expect(
        try await !subject.engine.create(subject.request(named, subject.size(1))).isChange,
        "a volume of before the restart is not made anew")
      let other = try await subject.require(plain).marks
      try expectEqual(other?.claim, nil, "no claim is invented")
      try expectEqual(other?.isRetained, false, "the mark of one volume is not on another")
    },
    Case("two volumes differ in name, instance and place, and the list is sorted") { subject in
      let names = try ["pvc-b", "pvc-a", "pvc-a.b", "pvc-a-b"].map { text throws(VolumeError) in try VolumeName(text) }
      var made: [StoredVolume] = []
      for name in names { made.append(try await subject.engine.activate(subject.create(name)).value) }
      try expectEqual(Set(made.map(\.instance)).count, names.count, "every volume has an instance of its own")
      try expectEqual(Set(made.map(\.location)).count, names.count, "every volume has a place of its own")
      let listed = try await subject.engine.volumes()
      try expectEqual(listed.map(\.name), names.sorted(), "the list has all volumes of ours, by name")
      try expectEqual(Set(listed.map(\.instance)), Set(made.map(\.instance)), "the list has the volumes made")
    },
    Case("concurrent creations of one name create exactly one volume") { subject in
      let name = try VolumeName("pvc-race")
      let engine = subject.engine
      let requests = (0..<8).map { _ in subject.request(name, subject.size(1)) }
      let outcomes = try await withThrowingTaskGroup(of: Outcome<StoredVolume>.self) { group in
        for request in requests { group.addTask { try await engine.create(request) } }
        return try await group.reduce(into: [Outcome<StoredVolume>]()) { $0.append($1) }
      }
      try expectEqual(outcomes.count { $0.isChange }, 1, "one of the callers has made the volume")
      try expectEqual(Set(outcomes.map(\.value.instance)).count, 1, "all callers see the same volume")
      let token = try await subject.require(name).marks?.creation
      try expectEqual(
        token, outcomes.first { $0.isChange }?.value.marks?.creation, "it carries the token of the one who made it")
    },
    Case("a group that is not served is refused, and nothing is created") { subject in
      let name = try VolumeName("pvc-elsewhere")
      let group = try VolumeGroupName("no-such-group")
      let error = try await expectRefusal(.invalid, "an unknown group is refused") { () async throws(VolumeError) in
        try await subject.engine.create(subject.request(name, subject.size(1), group: group))
      }
      try expect(error.message.contains("no-such-group"), "the refusal names the group: \(error.message)")
      try expectEqual(try await subject.engine.volume(name), nil, "nothing was made")
    },
    Case("a size beyond all bounds is refused, and nothing is created") { subject in
      let name = try VolumeName("pvc-huge")
      for size in [ByteCount(UInt64(Int64.max)), ByteCount(UInt64.max)] {
        do throws(VolumeError) {
          _ = try await subject.engine.create(subject.request(name, size))
        } catch {
          try expect([.noSpace, .invalid].contains(error.code), "\(size) is no room or invalid: \(error)")
          try expectEqual(try await subject.engine.volume(name), nil, "nothing was made")
          continue
        }
        throw ContractViolation("a volume of \(size) was made")
      }
    },
    Case("activating and detaching can be repeated, and detaching a missing volume is not an error") { subject in
      let name = try VolumeName("pvc-active")
      let made = try await subject.create(name)
      let active = try await subject.engine.activate(made).value
      try expect(active.isActive, "an activated volume is active")
      let again = try await subject.engine.activate(active)
      try expect(!again.isChange, "an active volume is unchanged")
      try expectEqual(again.value.location, active.location, "its place stays")
      try await subject.engine.detach(name)
      try await subject.engine.detach(name)
      try await subject.engine.detach(VolumeName("pvc-never-known"))
      let back = try await subject.engine.activate(subject.require(name)).value
      try expect(back.isActive, "a released volume can be had again")
      try expectEqual(back.instance, made.instance, "and it is the same volume")
    },
  ]

  static let names: [Case] = [
    Case("names with - _ + . and digits are different volumes, also after a restart") { subject in
      let texts = ["a-b", "a--b", "a_b", "a+b", "a.b", "a-b-", "0", "A", "a", "pvc-a.b_c+d-e", "a.json", "a.img"]
      let names = try texts.map { text throws(VolumeError) in try VolumeName(text) }
      for name in names { _ = try await subject.create(name) }
      try await subject.restart()
      try expectEqual(try await subject.engine.volumes().map(\.name), names.sorted(), "all are there")
      for name in names {
        let volume = try await subject.require(name)
        try expectEqual(volume.name, name, "a volume is found by its name")
        try expect(try await subject.engine.remove(volume).isChange, "\(name) can be removed")
        try expectEqual(try await subject.engine.volume(name), nil, "\(name) is gone")
      }
    },
    Case("a name of the greatest length works, a longer one than the storage takes is refused") { subject in
      let longest = try VolumeName(String(repeating: "n", count: subject.facts.longestName))
      let made = try await subject.engine.activate(subject.create(longest)).value
      try expect(made.isActive, "the longest name has a device")
      try await subject.engine.detach(longest)
      try expect(try await subject.engine.remove(subject.require(longest)).isChange, "and can be removed")
      guard subject.facts.longestName < VolumeName.maximumLength else { return }
      let tooLong = try VolumeName(String(repeating: "n", count: subject.facts.longestName + 1))
      try await expectRefusal(.invalid, "a name that makes no device name is refused") { () async throws(VolumeError) in
        try await subject.engine.create(subject.request(tooLong, subject.size(1)))
      }
      try expectEqual(try await subject.engine.volume(tooLong), nil, "nothing was made")
    },
  ]
}
