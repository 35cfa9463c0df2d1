import Glibc
import LinuxSystem
import Synchronization
import Testing

@Suite("Line writer", .timeLimit(.minutes(1)))
struct LineWriterTests {
  /// Both ends of a pipe.
  private final class Pipe: Sendable {
    let reader: Descriptor
    let writer: Descriptor

    init() throws {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      reader = Descriptor(adopting: ends[0])
      writer = Descriptor(adopting: ends[1])
    }

    /// Fills the pipe with empty lines, so that nobody can write to it before it is read.
    func fill() throws {
      let flags = fcntl(writer.rawValue, F_GETFL)
      try #require(fcntl(writer.rawValue, F_SETFL, flags | O_NONBLOCK) == 0)
      let page = [UInt8](repeating: UInt8(ascii: "\n"), count: 4096)
      while write(writer.rawValue, page, page.count) > 0 {}
      try #require(errno == EAGAIN)
      try #require(fcntl(writer.rawValue, F_SETFL, flags) == 0)
    }

    /// Reads until a line ends with the word.
    func readLines(until last: String) -> [String] {
      var text = ""
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      while !text.hasSuffix(last + "\n") {
        let count = read(reader.rawValue, &buffer, buffer.count)
        guard count > 0 else { break }
        text += String(decoding: buffer[..<count], as: UTF8.self)
      }
      return text.split(separator: "\n").map(String.init)
    }
  }

  private let threads = WorkerPool(name: "test", limit: 2)

  @Test("lines arrive whole and in their order, and a flush waits for them")
  func order() async throws {
    let pipe = try Pipe()
    let writer = try LineWriter(pipe.writer.rawValue) { "dropped \($0)" }
    for number in 0..<1000 { writer.write("line \(number)") }
    #expect(await threads.run { writer.flush(within: .seconds(20)) })
    writer.write("end")
    #expect(await threads.run { pipe.readLines(until: "end") } == (0..<1000).map { "line \($0)" } + ["end"])
    #expect(writer.dropped == 0)
  }

  @Test(
    "a full pipe blocks no caller; lines that do not fit are counted and reported when the pipe is read again; a flush has a time limit"
  )
  func full() async throws {
    let pipe = try Pipe()
    try pipe.fill()
    let writer = try LineWriter(pipe.writer.rawValue, limit: 10_000) { "dropped \($0)" }
    let written = 20_000
    for _ in 0..<written { writer.write("line") }
    let dropped = writer.dropped
    #expect(dropped > 10_000)
    #expect(await threads.run { !writer.flush(within: .milliseconds(20)) })
    async let read = threads.run { pipe.readLines(until: "end") }
    // The count follows the lines that waited, once they fit again.
    #expect(await threads.run { writer.flush(within: .seconds(20)) })
    writer.write("end")
    let lines = await read
    let told = lines.filter { $0.hasPrefix("dropped ") }
    let count = told.reduce(0) { $0 + (Int($1.dropFirst("dropped ".count)) ?? 0) }
    #expect(count == dropped && writer.dropped == dropped)
    #expect(lines.count - told.count == written + 1 - dropped)
    #expect(lines.last == "end")
  }

  @Test("a closed pipe only loses lines")
  func closed() async throws {
    Signals.ignoreBrokenPipes()
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    let writer = try LineWriter(ends[1]) { "dropped \($0)" }
    writer.write("line")
    #expect(await threads.run { writer.flush(within: .seconds(20)) })
    close(ends[1])
  }
}

@Suite("Watch threads", .serialized, .timeLimit(.minutes(1)))
struct WatchThreadTests {
  @Test("a check is repeated until it returns nil, and not after the thread has ended")
  func looks() async throws {
    let count = Counter()
    let watch = try WatchThread(name: "watch") {
      count.next() < 3 ? .milliseconds(1) : nil
    }
    #expect(try await eventually { count.value == 3 })
    watch.stop()
    let endless = Counter()
    let other = try WatchThread(name: "watch") {
      _ = endless.next()
      return .seconds(3600)
    }
    #expect(try await eventually { endless.value == 1 })
    other.stop()
  }

  @Test("tasks that do not run are noticed, and so is their running again")
  func stalled() async throws {
    let watch = try TaskWatch(interval: .milliseconds(5))
    let ended = Counter()
    // More tasks than there are threads for them.
    for _ in 0..<64 {
      Task.detached {
        while ended.value == 0 { ThreadSleep.sleep(.milliseconds(1)) }
      }
    }
    let seen = await WorkerPool(name: "test", limit: 1).run {
      let limit = MonotonicClock.now() + .seconds(30)
      while watch.stalled < .milliseconds(200), MonotonicClock.now() < limit { ThreadSleep.sleep(.milliseconds(5)) }
      let seen = watch.stalled
      _ = ended.next()
      return seen
    }
    #expect(seen >= .milliseconds(200))
    #expect(try await eventually { watch.stalled < .milliseconds(200) })
  }
}

private final class Counter: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }

  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }
}
