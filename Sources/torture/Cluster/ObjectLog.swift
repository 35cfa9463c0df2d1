/// The PVs of the stand-in for the API server with their changes, for lists and watches.
struct ObjectLog: Sendable {
  struct Change: Sendable {
    let version: Int
    let old: ShownVolume?
    let new: ShownVolume?
  }

  /// The version of the collection.
  private(set) var version = 1
  private var volumes: [String: (volume: ShownVolume, version: Int)] = [:]
  private var changes: [Change] = []
  /// The first version from which a watch can continue.
  private var oldest = 1

  subscript(_ name: String) -> (volume: ShownVolume, version: Int)? { volumes[name] }

  /// By name, so that a list has pages.
  var all: [(volume: ShownVolume, version: Int)] { volumes.values.sorted { $0.volume.name < $1.volume.name } }

  mutating func set(_ new: ShownVolume?, of name: String) {
    guard new != nil || volumes[name] != nil else { return }
    version += 1
    changes.append(Change(version: version, old: volumes[name]?.volume, new: new))
    volumes[name] = new.map { ($0, version) }
  }

  /// Replaces all objects, as a restore from a backup does. No watch continues across it.
  mutating func replace(with new: [ShownVolume]) {
    version += 1
    volumes = Dictionary(uniqueKeysWithValues: new.map { ($0.name, ($0, version)) })
    changes = []
    oldest = version
  }

  /// The changes since a version; nil when they are no longer known.
  func changes(since version: Int) -> [Change]? {
    version < oldest ? nil : changes.filter { $0.version > version }
  }
}
