import CFlexClient

/// Whether the kubelet sees what the daemon has mounted.
///
/// The client runs in the kubelet's mount namespace. A daemon in another one that passes nothing on has mounted the volume
/// where only the daemon sees it: the pod would write to the node's own disk.
enum MountCheck {
  enum Finding: Equatable {
    case seen
    /// The directory shows something else, or is not there.
    case absent
    /// It shows the volume, by a mount that forbids less, or more, than the daemon's.
    case differentFlags
  }

  /// - Parameters:
  ///   - path: the directory, as the kubelet named it.
  ///   - shown: what it shows for the daemon, `<major>:<minor>:<inode>:<flags>`.
  static func look(at path: UnsafeBufferPointer<UInt8>, shown: UnsafeBufferPointer<UInt8>) -> Finding {
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

  /// Decimal numbers with colons between them.
  private struct Numbers {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    var isAtEnd: Bool { position >= text.count }

    /// The next number, nil where there is none.
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
