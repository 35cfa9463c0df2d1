internal import Glibc

/// A NULL-terminated array of C strings, as execve(2) takes it.
struct CStringArray: ~Copyable {
  private let buffer: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  init(_ strings: [String]) {
    pointer = .allocate(capacity: strings.count + 1)
    buffer = UnsafeMutableBufferPointer(start: pointer, count: strings.count + 1)
    _ = buffer.initialize(from: strings.map { strdup($0) } + [nil])
  }

  deinit {
    for string in buffer { free(string) }
    buffer.deallocate()
  }
}
