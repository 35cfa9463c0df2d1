internal import Synchronization

/// The directory of each watch, relative to the root.
final class PlaceTable: Sendable {
  private let places = Mutex<[Int32: String]>([:])

  subscript(watch: Int32) -> String? { places.withLock { $0[watch] } }

  func set(_ watch: Int32, _ place: String?) { places.withLock { $0[watch] = place } }
}
