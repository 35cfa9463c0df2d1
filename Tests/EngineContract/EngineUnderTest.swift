package import LogicalVolumes
package import StorageModel
internal import Synchronization

/// An engine with storage of its own, as a test target hands it to the contract.
///
/// There is never more than one engine on the storage: cases reach it through this value and keep no reference of their
/// own, so that ``restart()`` really ends the one before (LVM wants one session a process).
package final class EngineUnderTest: Sendable {
  /// What a test target knows of the storage and the contract cannot ask for.
  package struct Facts: Sendable {
    /// Sizes are rounded up to multiples of this.
    package var unit: ByteCount
    /// Whether total = free + foreign + the sizes of our volumes. Thin pools promise by other rules.
    package var figuresAddUp: Bool
    /// How far figures may be off, for storage that keeps its records on the same disk. Zero for LVM.
    package var slack: ByteCount
    /// Longest name of letters only that the storage takes: ``VolumeName/maximumLength``, or less where the group's name
    /// is part of the device's.
    package var longestName: Int
    /// Whether its volumes can be cloned.
    package var canClone: Bool

    package init(
      unit: ByteCount, figuresAddUp: Bool = true, slack: ByteCount = .zero,
      longestName: Int = VolumeName.maximumLength, canClone: Bool = false
    ) {
      self.unit = unit
      self.figuresAddUp = figuresAddUp
      self.slack = slack
      self.longestName = longestName
      self.canClone = canClone
    }
  }

  package let facts: Facts
  private let make: @Sendable () async throws -> any VolumeEngine
  private let foreign: (@Sendable (VolumeName, ByteCount) async throws -> Void)?
  private let current: Mutex<(any VolumeEngine)?>

  /// - Parameters:
  ///   - makeEngine: makes and starts an engine on the storage; called again for every restart, after the engine before
  ///     has been let go.
  ///   - placeForeign: makes a plain volume without our marks, of a multiple of the unit, by other means than the
  ///     engine's; nil where there is no such thing.
  package init(
    _ facts: Facts, makeEngine: @Sendable @escaping () async throws -> any VolumeEngine,
    placeForeign: (@Sendable (VolumeName, ByteCount) async throws -> Void)? = nil
  ) async throws {
    self.facts = facts
    make = makeEngine
    foreign = placeForeign
    current = Mutex(try await makeEngine())
  }

  /// The engine on the storage at present.
  package var engine: any VolumeEngine {
    guard let engine = current.withLock({ $0 }) else { preconditionFailure("the engine is being restarted") }
    return engine
  }

  package var canPlaceForeign: Bool { foreign != nil }

  /// Lets the engine go and starts another on the same storage, as a restarted daemon does.
  package func restart() async throws {
    current.withLock { $0 = nil }
    let engine = try await make()
    current.withLock { $0 = engine }
  }

  /// Makes a volume that is not ours, and returns it as the engine sees it.
  package func placeForeign(_ name: VolumeName, _ size: ByteCount) async throws -> StoredVolume {
    guard let foreign else { throw ContractViolation("this storage has no foreign volumes") }
    try await foreign(name, size)
    return try await require(name)
  }

  /// Removes all volumes of ours, retained ones too, for the next case on the same storage.
  package func clear() async throws {
    for volume in try await engine.volumes() {
      let unmarked = try await engine.setRetained(volume, false).value
      try await engine.detach(volume.name)
      _ = try await engine.remove(unmarked)
    }
  }
}

// MARK: - What cases do often

extension EngineUnderTest {
  /// Makes a volume that must not exist yet.
  func create(_ name: VolumeName, units: UInt64 = 1, claim: ClaimUID? = nil) async throws -> StoredVolume {
    let outcome = try await engine.create(request(name, size(units), claim: claim))
    try expect(outcome.isChange, "a fresh volume \(name) is reported as changed")
    return outcome.value
  }

  func request(
    _ name: VolumeName, _ size: ByteCount, claim: ClaimUID? = nil, group: VolumeGroupName? = nil
  ) -> CreationRequest {
    CreationRequest(
      name: name, size: size, claim: claim, creation: freshToken(), deviceClass: DeviceClass(group: group))
  }

  /// The size of so many units, of 1 MiB at least: directories count single bytes.
  func size(_ units: UInt64) -> ByteCount { ByteCount(max(facts.unit, .mebibytes(1)).bytes * units) }

  /// The volume of this name, which must be there.
  func require(_ name: VolumeName) async throws -> StoredVolume {
    guard let volume = try await engine.volume(name) else { throw ContractViolation("volume \(name) is there") }
    return volume
  }

  /// The figures of the engine's one group.
  func capacity() async throws -> GroupCapacity {
    guard let capacity = try await engine.capacity().first else {
      throw ContractViolation("an engine has at least one group")
    }
    return capacity
  }
}

func freshToken() -> CreationToken {
  var generator = SystemRandomNumberGenerator()
  return CreationToken(using: &generator)
}

// MARK: - Violations

/// A promise that an engine does not keep.
package struct ContractViolation: Error, Sendable, Hashable, CustomStringConvertible {
  /// The promise, and what was found instead.
  package let description: String

  package init(_ description: String) { self.description = description }
}

func expect(_ condition: Bool, _ promise: @autoclosure () -> String) throws {
  guard condition else { throw ContractViolation("not kept: \(promise())") }
}

func expectEqual<Value: Equatable>(_ found: Value, _ wanted: Value, _ promise: @autoclosure () -> String) throws {
  guard found == wanted else { throw ContractViolation("not kept: \(promise()); found \(found), wanted \(wanted)") }
}

/// Runs what must be refused, and returns the refusal.
@discardableResult
func expectRefusal<Value>(
  _ code: VolumeError.Code, _ promise: String, _ body: () async throws(VolumeError) -> Value
) async throws -> VolumeError {
  let value: Value
  do throws(VolumeError) {
    value = try await body()
  } catch {
    guard error.code == code else {
      throw ContractViolation("not kept: \(promise); refused as \(error.code) instead of \(code): \(error)")
    }
    return error
  }
  throw ContractViolation("not kept: \(promise); it was accepted, with \(value)")
}
