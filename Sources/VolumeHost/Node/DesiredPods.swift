/// The pods that a node is to run, and their volumes as far as they have plugins.
struct DesiredPods {
  struct Entry {
    var pod: Pod
    /// Its volumes by name, once their plugins were found.
    var volumes: [String: DesiredVolume] = [:]
    /// When to look at it again: at once after a change, after a while when something was missing.
    var dueAt: Duration? = .zero
    /// Its containers have ended: what is wanted no more once it is mounted.
    var hasEnded = false
    /// Why volumes have no plugin.
    var problem: String?
  }

  private(set) var entries: [String: Entry] = [:]
  private var order: [String] = []

  subscript(uid: String) -> Entry? { entries[uid] }

  /// In the order in which they came.
  var all: [Entry] { order.compactMap { entries[$0] } }

  mutating func set(_ pod: Pod) {
    if entries[pod.uid] == nil { order.append(pod.uid) }
    entries[pod.uid, default: Entry(pod: pod)].pod = pod
    entries[pod.uid]?.dueAt = .zero
    entries[pod.uid]?.hasEnded = false
  }

  mutating func update(_ uid: String, _ body: (inout Entry) -> Void) {
    guard var entry = entries[uid] else { return }
    body(&entry)
    entries[uid] = entry
  }

  mutating func remove(_ uid: String) {
    entries[uid] = nil
    order.removeAll { $0 == uid }
  }

  /// Forgets the volumes of ended pods that are, or may be, mounted: they are to be taken down.
  mutating func dropMounted(_ isMounted: (UniqueVolumeName, String) -> Bool) {
    for (uid, entry) in entries where entry.hasEnded {
      let left = entry.volumes.filter { !isMounted($0.value.unique, uid) }
      if left.isEmpty { remove(uid) } else { entries[uid]?.volumes = left }
    }
  }

  /// The volumes wanted, pod by pod.
  var volumes: [(pod: Pod, volume: DesiredVolume)] {
    all.flatMap { entry in
      entry.pod.volumes.compactMap { spec in entry.volumes[spec.name].map { (entry.pod, $0) } }
    }
  }

  func wants(_ volume: UniqueVolumeName, pod uid: String) -> Bool {
    entries[uid]?.volumes.values.contains { $0.unique == volume } ?? false
  }

  func wants(_ volume: UniqueVolumeName) -> Bool {
    entries.values.contains { $0.volumes.values.contains { $0.unique == volume } }
  }
}

/// A pod's volume whose plugin is known.
struct DesiredVolume {
  let spec: VolumeSpec
  let unique: UniqueVolumeName
  /// Whether its plugin attaches it or mounts its device.
  let hasDevice: Bool
}
