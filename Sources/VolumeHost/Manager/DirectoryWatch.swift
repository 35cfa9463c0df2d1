internal import Glibc
internal import LinuxSystem

/// An inotify(7) watch of a directory and all directories below it. Does not follow links.
final class DirectoryWatch: Sendable {
  /// The directories found at creation, sorted, without those that begin with a dot.
  let directories: [String]

  private let root: String
  private let descriptor: Descriptor
  private let places: PlaceTable

  private static let mask = UInt32(
    IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
      | IN_ONLYDIR | IN_DONT_FOLLOW)
  /// Deeper than any driver's directory. It bounds the work for a directory that somebody fills without end.
  private static let depthLimit = 32

  /// Creates the watch, and the directory if it is missing. Nil if either fails.
  init?(_ root: String) {
    try? Files.makeDirectories(root, mode: 0o755)
    let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    guard number >= 0 else { return nil }
    descriptor = Descriptor(adopting: number)
    self.root = root
    places = PlaceTable()
    let rootWatch = inotify_add_watch(number, root, Self.mask)
    guard rootWatch >= 0 else { return nil }
    places.set(rootWatch, "")
    directories = Self.subdirectories(of: root)
    for name in directories { add(name, depth: 1) }
  }

  /// Returns the names directly below the root in or at which something has changed, in order, with repetitions. Nil if
  /// the root is gone or events were lost; the watch is useless then.
  func changedNames() -> [String]? {
    var names: [String] = []
    while let events = read() {
      for event in events {
        guard let name = take(event) else { return nil }
        if !name.isEmpty { names.append(name) }
      }
    }
    return PathProbe.exists(root) ? names : nil
  }

  /// Returns the driver directory of an event. Empty if it concerns none; nil if the watch has ended.
  private func take(_ event: Event) -> String? {
    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return nil }
    guard let place = places[event.watch] else { return "" }
    if event.mask & UInt32(IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF) != 0 {
      if event.mask & UInt32(IN_IGNORED) != 0 { places.set(event.watch, nil) }
      return place.isEmpty ? nil : ""
    }
    if event.name.isEmpty || event.name.hasPrefix(".") { return "" }
    let path = place.isEmpty ? event.name : "\(place)/\(event.name)"
    if event.mask & UInt32(IN_ISDIR) != 0, event.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 {
      add(path, depth: path.split(separator: "/").count)
    }
    // A file beside the drivers' directories concerns no driver.
    if place.isEmpty, event.mask & UInt32(IN_ISDIR) == 0 { return "" }
    return String(path.prefix { $0 != "/" })
  }

  private func add(_ path: String, depth: Int) {
    let watch = inotify_add_watch(descriptor.rawValue, "\(root)/\(path)", Self.mask)
    guard watch >= 0, depth < Self.depthLimit else { return }
    places.set(watch, path)
    for name in Self.subdirectories(of: "\(root)/\(path)") { add("\(path)/\(name)", depth: depth + 1) }
  }

  static func subdirectories(of path: String) -> [String] {
    ((try? Files.list(path)) ?? []).filter { name in
      !name.hasPrefix(".") && (try? Files.kind(of: "\(path)/\(name)")) == .directory
    }.sorted()
  }
}

extension DirectoryWatch {
  private struct Event {
    let watch: Int32
    let mask: UInt32
    let name: String
  }

  /// Reads the pending events without waiting. Nil if there are none.
  private func read() -> [Event]? {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = Glibc.read(descriptor.rawValue, &buffer, buffer.count)
    guard count > 0 else { return nil }
    return Self.parse(buffer.prefix(count))
  }

  /// Parses events: watch, mask, cookie, length of the name, name padded with zeros.
  private static func parse(_ buffer: ArraySlice<UInt8>) -> [Event] {
    let size = MemoryLayout<inotify_event>.size
    var events: [Event] = []
    buffer.withUnsafeBytes { bytes in
      var offset = 0
      while offset + size <= bytes.count {
        let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
        let end = offset + size + Int(event.len)
        guard end <= bytes.count else { return }
        let name = bytes[(offset + size)..<end].prefix { $0 != 0 }
        events.append(Event(watch: event.wd, mask: event.mask, name: String(decoding: name, as: UTF8.self)))
        offset = end
      }
    }
    return events
  }
}
