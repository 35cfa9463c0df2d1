internal import LinuxSystem

extension Errno {
  /// The text of strerror_r(3) with a lowercase first letter. Go has the same text for the same number.
  var text: String { String(description.dropLast(name.count + 3)) }
}
