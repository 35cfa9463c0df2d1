import Controllers
import KubernetesAPI
import LinuxSystem
import StorageLedger
import StorageModel
import Synchronization

/// Requests of an allocator that wait until a test answers them.
final class HeldWrites: VolumeWrites {
  enum Request: Sendable {
    case create(PersistentVolume)
    case read(String)
  }

  typealias Answer = Result<PersistentVolume?, WriteFailure>

  private let state = Mutex(State())

  private struct State {
    var count = 0
    var held: [(number: Int, request: Request, continuation: CheckedContinuation<Answer, Never>)] = []
  }

  /// The requests that wait for an answer, in the order in which they were sent, each with its number.
  var waiting: [(number: Int, request: Request)] { state.withLock { $0.held.map { ($0.number, $0.request) } } }

  func answer(_ number: Int, _ answer: Answer) {
    let continuation = state.withLock { state in
      state.held.firstIndex { $0.number == number }.map { state.held.remove(at: $0).continuation }
    }
    continuation?.resume(returning: answer)
  }

  func create(_ volume: PersistentVolume) async throws(WriteFailure) -> PersistentVolume {
    guard let created = try await send(.create(volume)).get() else {
      throw WriteFailure(.missing, "no answer was given")
    }
    return created
  }

  func volume(_ name: String) async throws(WriteFailure) -> PersistentVolume? { try await send(.read(name)).get() }

  private func send(_ request: Request) async -> Answer {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        state.count += 1
        state.held.append((state.count, request, continuation))
      }
    }
  }
}

enum Samples {
  /// A PV of ours on a node.
  static func volume(
    _ name: String, on node: String, gibibytes: UInt64, owner: String, uid: String = ""
  ) -> PersistentVolume {
    var volume = PersistentVolume(metadata: ObjectMeta(name: name, uid: uid, annotations: ["owner": owner]))
    volume.capacity = Quantity(.gibibytes(gibibytes))
    volume.flexVolume = FlexVolumeSource(
      driver: ProductNames.driver, options: ["sizeBytes": "\(ByteCount.gibibytes(gibibytes).bytes)"])
    volume.nodeAffinity = NodeSelector(label: ClusterNames.hostnameLabel, in: [node])
    return volume
  }
}

extension PersistentVolume {
  var owner: String? { metadata.annotations["owner"] }
}
