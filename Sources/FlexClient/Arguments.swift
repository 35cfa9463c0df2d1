/// The arguments after the program's name, borrowed from the process: nothing is copied before it is needed.
struct Arguments {
  private let count: Int
  private let vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// `argc` and `argv` as `main` gets them; they live as long as the process.
  init(argc: Int32, argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    count = max(0, Int(argc) - 1)
    vector = argv
  }

  /// The bytes of every argument, without the closing zero.
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

/// The bytes of a C string, without the closing zero. Valid as long as the string is.
func bytesOfCString(_ text: UnsafePointer<CChar>) -> UnsafeBufferPointer<UInt8> {
  var length = 0
  while text[length] != 0 { length += 1 }
  let start = UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self)
  return UnsafeBufferPointer(start: start, count: length)
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether these are the bytes of `text`. Byte by byte: string comparison would bring in Unicode's tables.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != text.utf8Start[index] { return false }
    return true
  }
}
