internal import LinuxSystem

extension Errno {
  /// What strerror_r(3) says, in small letters: Go's words for the same number.
  var text: String { String(description.dropLast(name.count + 3)) }
}
