/// A request to the node: of a user through the kubelet, or of an operator. Names are those of PVs and pods.
enum Operation: Codable, Hashable, Sendable {
  /// A pod with a new PV.
  case make(NewVolume, pod: String)
  /// A pod with a PV whose volume exists.
  case mount(volume: String, pod: String, readOnly: Bool)
  /// The pod ends.
  case unmount(volume: String, pod: String)
  /// A pod writes files one by one, each flushed to the disk.
  case write(volume: String, pod: String, [NewFile])
  /// The claim grows while a pod uses it.
  case grow(volume: String, mebibytes: Int)
  /// The volume is removed for good.
  case remove(volume: String)

  struct NewVolume: Codable, Hashable, Sendable {
    let name: String
    let fileSystem: String
    let isThin: Bool
    /// Whether the kubelet has the attaching driver.
    let attaches: Bool
    let mebibytes: Int
  }

  struct NewFile: Codable, Hashable, Sendable {
    let name: String
    let content: Content
  }

  var volume: String {
    switch self {
    case .make(let new, _): new.name
    case .mount(let volume, _, _), .unmount(let volume, _), .write(let volume, _, _), .grow(let volume, _),
      .remove(let volume):
      volume
    }
  }
}

extension Operation: CustomStringConvertible {
  var description: String {
    switch self {
    case .make(let new, let pod):
      "make \(new.name.suffix(4)) (\(new.isThin ? "thin" : "thick") \(new.fileSystem)\(new.attaches ? ", attached" : "")) "
        + "for \(pod)"
    case .mount(let volume, let pod, let readOnly):
      "mount \(volume.suffix(4)) for \(pod)\(readOnly ? ", read-only" : "")"
    case .unmount(let volume, let pod): "unmount \(volume.suffix(4)) of \(pod)"
    case .write(let volume, let pod, let files): "write \(files.count) files on \(volume.suffix(4)) in \(pod)"
    case .grow(let volume, let mebibytes): "grow \(volume.suffix(4)) to \(mebibytes) MiB"
    case .remove(let volume): "remove \(volume.suffix(4))"
    }
  }
}

/// The content of a file, generated from a seed.
struct Content: Codable, Hashable, Sendable {
  let bytes: Int
  let seed: UInt64

  func make() -> [UInt8] {
    var dice = Dice(seed: seed, stream: UInt64(bytes))
    var result = [UInt8](repeating: 0, count: bytes)
    for start in stride(from: 0, to: bytes, by: 8) {
      let word = dice.next()
      for index in start..<min(start + 8, bytes) {
        result[index] = UInt8(truncatingIfNeeded: word >> (8 * (index - start)))
      }
    }
    return result
  }
}
