@testable internal import KubernetesAPI
internal import JSON
internal import StorageLedger
@testable internal import StorageModel

extension FuzzTarget {
  /// Objects of the API server; the first byte says of which kind. What is read of one that we write is written again as the
  /// same, and what recurs is read as before.
  static let objects = FuzzTarget("objects", maximumLength: 1024) { bytes throws(Violation) in
    guard let first = bytes.first else { return }
    let text = Array(bytes.dropFirst())
    switch first % 10 {
    case 0: try checkWritable(PersistentVolume.self, text)
    case 1: try checkWritable(NodeStorageObject.self, text)
    case 2: try checkWritable(Lease.self, text)
    case 3: try checkWritable(Event.self, text)
    case 4: try checkWritable(CSIDriver.self, text)
    case 5: try checkWritable(CSIStorageCapacity.self, text)
    case 6: try checkRead(PersistentVolumeClaim.self, text)
    case 7: try checkRead(StorageClass.self, text)
    case 8: try checkRead(Node.self, text)
    default: try checkRead(Pod.self, text)
    }
  }

  private static func checkWritable<Object: WritableObject>(_ type: Object.Type, _ bytes: [UInt8]) throws(Violation) {
    guard let object = try checkRead(type, bytes) else { return }
    let written = try rewritten(object)
    // A quantity's suffix may change the first time, QuantityTests; after that nothing may.
    let again = try rewritten(written)
    try hold(again.json().encoded == written.json().encoded, "\(show(written)) becomes \(show(again))")
    if let volume = object as? PersistentVolume, let after = again as? PersistentVolume {
      try hold(
        volume.capacity == after.capacity && volume.claim == after.claim, "\(show(object)) becomes \(show(again))")
      try hold(volume.flexVolume == after.flexVolume, "\(show(object)) becomes \(show(again))")
    } else if Object.self != CSIStorageCapacity.self {
      try hold(object.json().encoded == written.json().encoded, "\(show(object)) becomes \(show(written))")
    }
    if let said = object as? NodeStorageObject, let after = again as? NodeStorageObject {
      try hold(said.storage == after.storage && said.reports == after.reports, "\(show(object)) becomes \(show(again))")
    }
  }

  private static func rewritten<Object: WritableObject>(_ object: Object) throws(Violation) -> Object {
    try mustSucceed("reading what was written") {
      var json = JSONReader(object.json().encoded)
      let again = try Object(json: &json)
      try json.end()
      return again
    }
  }

  private static func show(_ object: some WritableObject) -> String {
    String(decoding: object.json().encoded, as: UTF8.self)
  }

  /// Twice with one cache, and without: the same each time. Nil for what is no JSON.
  @discardableResult
  private static func checkRead<Object: APIObject>(_ type: Object.Type, _ bytes: [UInt8]) throws(Violation) -> Object? {
    let cache = DecodingCache(power: 1)
    var found: [(object: Object?, text: String)] = []
    for cache in [nil, cache, cache] {
      var json = JSONReader(bytes, cache: cache)
      let object: Object?
      do throws(JSONSyntaxError) { object = try Object(json: &json) } catch { object = nil }
      found.append((object, object.map { "\($0)" } ?? "no JSON"))
    }
    try hold(found.allSatisfy { $0.text == found[0].text }, "with a cache another \(Object.self) is read")
    return found[0].object
  }

  /// The stream of a watch; the first two bytes say how it is cut into pieces. Its lines do not depend on that.
  static let watch = FuzzTarget("watch", maximumLength: 768) { bytes throws(Violation) in
    guard bytes.count > 2 else { return }
    let stream = Array(bytes.dropFirst(2))
    let limit = 256
    let whole = lines(of: [stream], limit)
    var pieces: [[UInt8]] = []
    var (start, size) = (0, Int(bytes[0]) % 61 + 1)
    while start < stream.count {
      pieces.append(Array(stream[start..<min(stream.count, start + size)]))
      start += size
      size = (size * 7 + Int(bytes[1])) % 61 + 1
    }
    let cut = lines(of: pieces, limit)
    try hold(cut.isTooLong == whole.isTooLong, "whether a line is too long depends on the pieces")
    // Those before one that is too long may have been handed out or not.
    if !whole.isTooLong { try hold(cut.lines == whole.lines, "the lines depend on the pieces") }
    let expected = stream.split(separator: 0x0A).map(Array.init)
    try hold(whole.isTooLong == expected.contains { $0.count > limit }, "the limit of \(limit) bytes")
    let rest = stream.last == 0x0A || stream.isEmpty ? 0 : 1
    if !whole.isTooLong { try hold(whole.lines == Array(expected.dropLast(rest)), "lines are not those of the stream") }
    for line in expected { try checkEvent(line) }
  }

  private static func lines(of pieces: [[UInt8]], _ limit: Int) -> (lines: [[UInt8]], isTooLong: Bool) {
    var splitter = LineSplitter(limit: limit)
    var lines: [[UInt8]] = []
    for piece in pieces {
      do throws(LineSplitter.TooLong) { lines += try splitter.append(piece) } catch { return (lines, true) }
    }
    return (lines, false)
  }

  /// One of no kind changes nothing, and a bookmark moves on by its version alone.
  private static func checkEvent(_ line: [UInt8]) throws(Violation) {
    let event: WatchEvent<PersistentVolume>
    do throws(JSONSyntaxError) { event = try WatchEvent(line, cache: DecodingCache(power: 1)) } catch { return }
    var machine = ListWatch()
    switch event {
    case .changed(let object), .deleted(let object): machine.received(resourceVersion: object.metadata.resourceVersion)
    case .bookmark(let version): machine.received(resourceVersion: version)
    case .error(let error):
      machine.failed(error)
      try hold(!error.message.isEmpty && machine.wait >= .zero, "an error without words")
    case .unknown: return
    }
    if case .watch(let version) = machine.action { try hold(!version.isEmpty, "a watch from anywhere") }
  }
}
