internal import CLinux
internal import Glibc

/// Threads of the operating system, for work that blocks.
enum NativeThread {
  /// Starts a detached thread. `name` is cut at 15 bytes. `stackSize` is in bytes of address space: pages use memory
  /// only when they are touched.
  ///
  /// - Throws: `EAGAIN` if the system cannot create another thread.
  static func start(name: String, stackSize: Int, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, max(stackSize, 64 << 10))
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let result = pthread_create(&thread, &attributes, entry, start.toOpaque())
    guard result != 0 else { return }
    start.release()
    throw SystemError(operation: "start thread", subject: name, errno: Errno(rawValue: result))
  }

  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    guard let argument else { return nil }
    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    clinux_name_thread(start.name)
    start.body()
    return nil
  }
}
