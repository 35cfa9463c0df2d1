/// Why something has no directory within a volume.
public enum VolumeDirectoryError: Error, Hashable, Sendable {
  /// A volume or service has no name.
  case emptyName
  /// A service's name has a slash.
  case slashInService(String)
  /// A path in a container is not absolute.
  case relativeTarget(String)
  /// The path names nothing below the root.
  case emptyPath(String)
  /// The path has a component `..`.
  case parentComponent(String)
  /// The path has NUL or another control character of ASCII.
  case controlCharacter(UInt8, in: String)
  /// A component has more than 255 bytes.
  case componentTooLong(String)
  /// The path has more bytes than a volume's directory can have.
  case pathTooLong(bytes: Int)
  /// libcrypto does not offer SHA-256.
  case digestUnavailable
}

extension VolumeDirectoryError: CustomStringConvertible {
  /// What was found and what is allowed. Control characters of the path are escaped.
  public var description: String {
    switch self {
    case .emptyName: "the name is empty; give the name of the volume or service"
    case .slashInService(let service): "service \(service.debugDescription) has a slash; give the service's name alone"
    case .relativeTarget(let target):
      "target \(target.debugDescription) is not absolute; give the path in the container, from / on"
    case .emptyPath(let path):
      "path \(path.debugDescription) names nothing below /; give the path of a directory or file"
    case .parentComponent(let path):
      "path \(path.debugDescription) has a component \"..\"; give the path as realpath prints it"
    case .controlCharacter(let byte, let path):
      "path \(path.debugDescription) has a control character (byte \(byte)); rename the file or directory"
    case .componentTooLong(let component):
      "a component of the path has \(component.utf8.count) bytes: \(component.prefix(40).debugDescription)…; at most "
        + "\(BindPath.longestComponent) are possible"
    case .pathTooLong(let bytes):
      "the path has \(bytes) bytes; at most \(BindPath.longestPath - "bind/".utf8.count) are possible"
    case .digestUnavailable: "libcrypto does not offer SHA-256"
    }
  }
}
