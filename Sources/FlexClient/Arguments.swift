/// The arguments after the program's name. They are borrowed from the process, not copied.
struct Arguments {
  private let count: Int
  private let vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// Wraps `argc` and `argv` of `main`, which live as long as the process.
  init(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    count = max(0, Int(argc) - 1)
    vector = argv
  }

  /// Returns the bytes of every argument, without the terminating zero.
  func bytes() -> [UnsafeBufferPointer<UInt8>] {
    var all: [UnsafeBufferPointer<UInt8>] = []
    all.reserveCapacity(count)
    for index in 0..<count {
      guard let text = vector[index + 1] else { break }
      all.append(bytesOfCString(text))
    }
    return all
  }
}

/// Returns the bytes of a C string, without the terminating zero. Valid as long as the string.
func bytesOfCString(_ text: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
  var length = 0
  while text[length] != 0 { length += 1 }
  let start = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
  return UnsafeBufferPointer(start: start, count: length)
}

extension UnsafeBufferPointer<UInt8> {
  /// Returns whether the bytes equal those of `text`. String comparison would link Unicode's tables.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}
