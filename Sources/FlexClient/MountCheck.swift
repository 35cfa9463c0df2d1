import CFlexClient

/// Checks whether the kubelet sees what the daemon mounted.
///
/// The client runs in the kubelet's mount namespace. A daemon in another namespace without propagation mounts the
/// volume where only the daemon sees it. The pod would then write to the node's own disk.
enum MountCheck {
  enum Finding: Equatable {
    case seen
    /// The directory shows something else or does not exist.
    case absent
    /// The directory shows the volume, but with other mount flags than the daemon's mount.
    case differentFlags
  }

  /// Compares what the directory shows here with what it shows for the daemon. Blocks for stat(2) and statvfs(2).
  ///
  /// - Parameters:
  ///   - path: the directory, as the kubelet named it.
  ///   - shown: what the directory shows for the daemon, `<major>:<minor>:<inode>:<flags>`.
  static func check(_ path: UnsafeBufferPointer<UInt8>, shown: UnsafeBufferPointer<UInt8>) -> Finding {
    var view = FlexClientView()
    guard let start = path.baseAddress,
      flexclient_view(UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), &view) == 0
    else { return .absent }
    var expected = Numbers(shown)
    guard expected.next() == view.major, expected.next() == view.minor, expected.next() == view.inode else {
      return .absent
    }
    return expected.next() == view.restrictions && expected.isAtEnd ? .seen : .differentFlags
  }

  /// Decimal numbers separated by colons.
  private struct Numbers {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    var isAtEnd: Bool { position >= text.count }

    /// Returns the next number. Nil if there is none.
    mutating func next() -> UInt64? {
      if position > 0 {
        guard position < text.count, text[position] == UInt8(ascii: ":") else { return nil }
        position += 1
      }
      let start = position
      var value: UInt64 = 0
      while position < text.count, isDigit(text[position]) {
        let (tens, isTooLarge) = value.multipliedReportingOverflow(by: 10)
        let (sum, isAboveAll) = tens.addingReportingOverflow(UInt64(text[position] - UInt8(ascii: "0")))
        if isTooLarge || isAboveAll { return nil }
        value = sum
        position += 1
      }
      return position > start ? value : nil
    }
  }
}
