/// The name of a FlexVolume driver, `vendor/driver` or `driver`.
public struct DriverName: Hashable, Sendable {
  /// The part before the slash. Nil if there is no slash.
  public let vendor: String?
  /// The part after the slash, which is the name of the executable.
  public let driver: String

  /// Parses the name in a volume's source. Nil if it has more than one slash or an empty part, if a part is `.` or
  /// `..`, or if it contains `~`, which stands for the slash in directory names.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (1...2).contains(parts.count), parts.allSatisfy(Self.isName) else { return nil }
    vendor = parts.count == 2 ? parts[0] : nil
    driver = parts[parts.count - 1]
  }

  /// Parses the name of a directory: `vendor~driver` or `driver`.
  public init?(directory: String) {
    let parts = directory.split(separator: "~", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count) else { return nil }
    self.init(parts.joined(separator: "/"))
  }

  init(vendor: String, driver: String) {
    self.vendor = vendor
    self.driver = driver
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && !text.utf8.contains { $0 == UInt8(ascii: "~") || $0 == 0 }
  }

  /// `vendor~driver`: the name of the driver's directory in the plugin directory, and below each pod's `volumes`.
  public var directory: String { description.map { $0 == "/" ? "~" : $0 }.reduce(into: "") { $0.append($1) } }
  /// `vendor~driver/driver`: the executable, relative to the plugin directory.
  public var executable: String { "\(directory)/\(driver)" }
}

extension DriverName: CustomStringConvertible {
  /// `vendor/driver`.
  public var description: String { vendor.map { "\($0)/\(driver)" } ?? driver }
}
