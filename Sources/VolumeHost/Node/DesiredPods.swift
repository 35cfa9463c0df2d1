/// The pods that a node is to run, and their volumes whose plugins are known.
struct DesiredPods {
  struct Entry {
    var pod: Pod
    /// The pod's volumes by name, once their plugins are found.
    var volumes: [String: DesiredVolume] = [:]
    /// When to process the pod again: at once after a change, later if something was missing.
    var dueAt: Duration? = .zero
    /// Whether its containers have ended. A volume of such a pod is no longer needed once it is mounted.
    var hasEnded = false
    /// Why volumes have no plugin.
    var problem: String?
  }

  private(set) var entries: [String: Entry] = [:]
  private var order: [String] = []

  subscript(uid: String) -> Entry? { entries[uid] }

  /// The pods in the order in which they came.
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

  /// Forgets the volumes of ended pods that are or may be mounted, so that they are torn down.
  mutating func dropMounted(_ isMounted: (UniqueVolumeName, String) -> Bool) {
    for (uid, entry) in entries where entry.hasEnded {
      let left = entry.volumes.filter { !isMounted($0.value.unique, uid) }
      if left.isEmpty { remove(uid) } else { entries[uid]?.volumes = left }
    }
  }

  /// The needed volumes, pod by pod.
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
  /// Whether the plugin attaches the volume or mounts its device.
  let hasDevice: Bool
}
