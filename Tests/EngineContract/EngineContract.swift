internal import LogicalVolumes
internal import StorageModel

/// What every engine promises, as cases that any test target can run against any engine: the sentences of
/// `VolumeEngine.swift`, made to fail where they are not kept.
///
/// A case wants storage without volumes of ours; ``EngineUnderTest/clear()`` makes it so again. A case that needs foreign
/// volumes does nothing where there can be none.
package enum EngineContract {
  /// One promise.
  package struct Case: Sendable, CustomStringConvertible {
    /// A sentence that promises something.
    package let name: String
    /// Throws ``ContractViolation`` where the promise is not kept.
    package let run: @Sendable (EngineUnderTest) async throws -> Void

    init(_ name: String, _ run: @Sendable @escaping (EngineUnderTest) async throws -> Void) {
      self.name = name
      self.run = run
    }

    package var description: String { name }
  }

  package static let cases: [Case] = creation + names + clones + growth + ownership + removal + space + activity
}
