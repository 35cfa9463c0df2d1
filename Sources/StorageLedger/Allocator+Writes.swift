internal import Controllers
package import KubernetesAPI
internal import StorageModel

// Reserve, write, confirm; and how a lost answer is handled.
extension Allocator {
  /// Creates a PV after its space is reserved. Waits for the API server, and for an earlier call about the same volume.
  ///
  /// A PV that may have been written already is read first. So at most one PV of the name is ever created.
  ///
  /// - Parameters:
  /// - booking: the space that the PV takes; nil for a PV that is pinned to no node.
  /// - isOurs: whether an existing PV of this name is the one that the client wants.
  package func create(
    _ volume: PersistentVolume, as booking: Booking?, isOurs: @Sendable (PersistentVolume) -> Bool
  ) async -> Allocation {
    let name = volume.metadata.name
    await beginTurn(name)
    defer { endTurn(name) }
    if let earlier = await earlierWrite(of: name, isOurs) { return earlier }
    if doubts[name] != nil, let former = ledger.booking(of: name), former != booking {
      return .unsettled(
        WriteFailure(
          .unknown, "PersistentVolume \(name) may have been written for node \(former.node), but does not exist yet"))
    }
    if let booking {
      do throws(Shortage) {
        try change(name) { ledger throws(Shortage) in try ledger.reserve(booking, for: name) }
      } catch {
        return .notEnoughSpace(error)
      }
    }
    do throws(WriteFailure) {
      let written = try await writes.create(volume)
      if doubts[name] == nil {
        change(name) { $0.confirm(name, uid: written.metadata.uid) }
      } else {
        keepDoubt(of: name)
      }
      return .created(written)
    } catch {
      return await afterFailure(error, of: name, isOurs, isReserved: booking != nil)
    }
  }

  /// Finds a PV that may have been written; nil when it was not. Sends no request when no earlier request is in doubt.
  /// A PV in doubt stays in doubt, and ``run()`` resolves it without the client.
  package func find(_ name: String, isOurs: @Sendable (PersistentVolume) -> Bool) async -> Allocation? {
    await beginTurn(name)
    defer { endTurn(name) }
    return await earlierWrite(of: name, isOurs)
  }

  /// Reads a PV in doubt after the API server's time limit. From then on its space is booked or free.
  func resolveDoubt(_ name: String) async -> Ending {
    await beginTurn(name)
    defer { endTurn(name) }
    guard let doubt = doubts[name] else { return .done }
    let wait = doubt.end - time.now
    guard wait <= .zero else { return .again(after: wait) }
    // If the PV cannot be read, it stays in doubt and is read again.
    do throws(WriteFailure) { _ = try await read(name) } catch { return .failed }
    return .done
  }

  private func earlierWrite(of name: String, _ isOurs: (PersistentVolume) -> Bool) async -> Allocation? {
    guard ledger.booking(of: name) != nil else { return nil }
    do throws(WriteFailure) { return try await existing(name, isOurs) } catch { return .unsettled(error) }
  }

  private func afterFailure(
    _ failure: WriteFailure, of name: String, _ isOurs: (PersistentVolume) -> Bool, isReserved: Bool
  ) async -> Allocation {
    switch failure.kind {
    case .exists:
      do throws(WriteFailure) {
        return try await existing(name, isOurs)
          ?? .refused(WriteFailure(.conflict, "PersistentVolume \(name) existed and is gone"))
      } catch {
        // No answer was lost. The PV only has to be read.
        if isReserved { doubt(name, until: time.now) }
        return .unsettled(error)
      }
    case .unknown:
      if isReserved { doubt(name, until: time.now + Self.writeLimit) }
      return .unsettled(failure)
    case .missing, .conflict, .rejected:
      // The refusal says nothing about an earlier request.
      guard doubts[name] == nil else { return .unsettled(failure) }
      if isReserved { change(name) { $0.cancel(name) } }
      return .refused(failure)
    }
  }

  private func existing(
    _ name: String, _ isOurs: (PersistentVolume) -> Bool
  ) async throws(WriteFailure) -> Allocation? {
    guard let found = try await read(name) else { return nil }
    guard isOurs(found) else { return .foreign(found) }
    guard !found.metadata.isBeingDeleted else {
      return .refused(
        WriteFailure(.conflict, "PersistentVolume \(name) is being deleted; another is created when it is gone"))
    }
    return .adopted(found)
  }

  /// Reads the PV. Books or frees its space if that ends the doubt.
  private func read(_ name: String) async throws(WriteFailure) -> PersistentVolume? {
    let asked = time.now
    let found = try await writes.volume(name)
    let doubt = doubts[name]
    let isOver = doubt.map { asked >= $0.end } ?? true
    guard let found else {
      guard isOver else { return nil }
      change(name) { $0.cancel(name) }
      endDoubt(of: name)
      return nil
    }
    // Only one of several requests has created the PV. The server may still carry out the others after the PV is gone.
    guard isOver || doubt?.isSingle == true else { return found }
    change(name) { $0.confirm(name, as: booking(of: found), uid: found.metadata.uid) }
    endDoubt(of: name)
    return found
  }
}
