internal import LogicalVolumes
internal import StorageModel

extension EngineContract {
  /// How many volumes the cases below fill the storage with.
  private static let places: UInt64 = 3

  static let space: [Case] = [
    Case(
      "when the storage fills, as many succeed as fit, the rest is refused with the missing space, and the numbers add up"
    ) {
      subject in
      let empty = try await subject.capacity()
      let size = try await subject.sizeOfPlace(places)
      try await subject.expectSum("before anything is made")
      var made: [StoredVolume] = []
      for number in 0..<places {
        let name = try VolumeName("pvc-fill-\(number)")
        made.append(try await subject.engine.create(subject.request(name, size)).value)
        try await subject.expectSum("with \(made.count) volumes")
        try expectEqual(try await subject.capacity().volumes, made.count, "volumes are counted")
      }
      let full = try await subject.capacity()
      let name = try VolumeName("pvc-fill-over")
      let error = try await expectRefusal(.noSpace, "what does not fit is refused") { () async throws(VolumeError) in
        try await subject.engine.create(subject.request(name, size))
      }
      for word in [name.text, "free", "requested", "missing"] {
        try expect(error.message.contains(word), "the refusal says \(word): \(error.message)")
      }
      try expectEqual(try await subject.engine.volume(name), nil, "nothing half-made stays")
      try await subject.expectSame(full, "a refusal takes no room")
      try expectEqual(try await subject.engine.volumes().count, made.count, "the others are there")
      for volume in made.reversed() {
        try expect(try await subject.engine.remove(volume).isChange, "\(volume.name) is removed")
        try await subject.expectSum("while emptying")
      }
      try await subject.expectSame(empty, "all room is back")
      _ = try await subject.engine.create(subject.request(name, size))
    },
    Case("of many concurrent creations exactly as many succeed as fit") { subject in
      let size = try await subject.sizeOfPlace(places)
      let empty = try await subject.capacity()
      let engine = subject.engine
      let requests = try (0..<8).map { number throws(VolumeError) in
        subject.request(try VolumeName("pvc-rush-\(number)"), size)
      }
      let codes = await withTaskGroup(of: VolumeError.Code?.self) { group in
        for request in requests {
          group.addTask {
            do throws(VolumeError) { _ = try await engine.create(request) } catch { return error.code }
            return nil
          }
        }
        return await group.reduce(into: [VolumeError.Code?]()) { $0.append($1) }
      }
      try expectEqual(codes.count { $0 == nil }, Int(places), "as many as fit have been made")
      try expectEqual(codes.count { $0 == .noSpace }, 8 - Int(places), "the rest was refused for lack of room")
      try expectEqual(try await subject.engine.volumes().count, Int(places), "nothing half-made stays")
      try await subject.expectSum("after the rush")
      for volume in try await subject.engine.volumes() { _ = try await subject.engine.remove(volume) }
      try await subject.expectSame(empty, "all room is back")
    },
    Case("growing takes space, and removing returns all of it") { subject in
      let empty = try await subject.capacity()
      let made = try await subject.create(try VolumeName("pvc-room"))
      let small = try await subject.capacity()
      let grown = try await subject.engine.extend(made, to: subject.size(4)).value
      try await subject.expectSum("with a grown volume")
      let large = try await subject.capacity()
      try subject.expectNear(
        small.freeBytes, large.freeBytes + (grown.size - made.size).bytes, "growing takes what it adds")
      _ = try await subject.engine.remove(grown)
      try await subject.expectSame(empty, "all room is back")
    },
    Case("a foreign volume of a group is counted as foreign, and as ours once adopted") { subject in
      guard subject.canPlaceForeign, subject.facts.figuresAddUp, subject.facts.slack == .zero else { return }
      let before = try await subject.capacity()
      let foreign = try await subject.placeForeign(try VolumeName("foreign-counted"), subject.size(3))
      let with = try await subject.capacity()
      try expectEqual(with.foreignBytes, before.foreignBytes + foreign.size.bytes, "its size is foreign")
      try expectEqual(with.freeBytes + foreign.size.bytes, before.freeBytes, "and not free")
      _ = try await subject.engine.adopt(foreign, claim: nil)
      let after = try await subject.capacity()
      try expectEqual(after.foreignBytes, before.foreignBytes, "an adopted volume is not foreign")
      try expectEqual(after.freeBytes, with.freeBytes, "nor has it become free")
      try expectEqual(after.volumes, before.volumes + 1, "it is counted as ours")
    },
  ]

  static let activity: [Case] = [
    Case("the activity counts what was done and keeps the last 16 commands, the newest last") { subject in
      let before = subject.engine.activity.total
      let name = try VolumeName("pvc-busy")
      for _ in 0..<10 { _ = try await subject.engine.remove(subject.create(name)) }
      let activity = subject.engine.activity
      try expect(activity.total >= before + 20, "20 changes are at least 20 commands: \(activity.total - before)")
      try expectEqual(activity.recent.count, 16, "16 commands are kept")
      try expectEqual(activity.runningSeconds, nil, "no command is running")
      let isEnded = activity.recent.allSatisfy { ($0.seconds ?? -1) >= 0 && $0.returnCode != nil }
      try expect(isEnded, "every command has its time and its return code: \(activity.recent)")
      let times = activity.recent.map(\.startedAt)
      try expectEqual(times, times.sorted(), "commands are in the order in which they began")
      try expect(activity.recent.contains { $0.command.contains(name.text) }, "commands name the volume")
    }
  ]
}

// MARK: - Figures

extension EngineUnderTest {
  /// A size of which exactly `count` volumes fit into what is free now.
  fileprivate func sizeOfPlace(_ count: UInt64) async throws -> ByteCount {
    let free = try await capacity().freeBytes
    let share = (ByteCount(free) - facts.slack).bytes / count
    let size = share / facts.unit.bytes * facts.unit.bytes
    try expect(
      free - count * size < size, "the storage is large enough to try (\(ByteCount(free)) free, unit \(facts.unit))")
    return ByteCount(size)
  }

  fileprivate func expectSum(_ moment: String) async throws {
    guard facts.figuresAddUp else { return }
    let figures = try await capacity()
    let ours = try await engine.volumes().reduce(UInt64(0)) { $0 + $1.size.bytes }
    try expectNear(
      figures.freeBytes + figures.foreignBytes + ours, figures.totalBytes, "free, foreign and ours add up \(moment)")
  }

  func expectSame(_ wanted: GroupCapacity, _ promise: String) async throws {
    let found = try await capacity()
    try expectEqual(found.volumes, wanted.volumes, "\(promise) (volumes)")
    try expectNear(found.freeBytes, wanted.freeBytes, "\(promise) (free)")
    try expectNear(found.foreignBytes, wanted.foreignBytes, "\(promise) (foreign)")
    try expectNear(found.totalBytes, wanted.totalBytes, "\(promise) (total)")
  }

  fileprivate func expectNear(_ found: UInt64, _ wanted: UInt64, _ promise: String) throws {
    let difference = found > wanted ? found - wanted : wanted - found
    guard difference > facts.slack.bytes else { return }
    throw ContractViolation("not kept: \(promise); found \(found), wanted \(wanted)")
  }
}
