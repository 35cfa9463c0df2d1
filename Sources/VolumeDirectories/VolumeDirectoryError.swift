/// Why a name or path has no directory in a volume.
public enum VolumeDirectoryError: Error, Hashable, Sendable {
  /// The name of a volume or service is empty.
  case emptyName
  /// The name of a service has a slash.
  case slashInService(String)
  /// The path in a container is not absolute.
  case relativeTarget(String)
  /// The path is empty, or names only the root.
  case emptyPath(String)
  /// The path has a component `..`.
  case parentComponent(String)
  /// The path has this ASCII control character, for example NUL.
  case controlCharacter(UInt8, in: String)
  /// This component has more than 255 bytes.
  case componentTooLong(String)
  /// The path has too many bytes: with `bind/`, at most 3,584 are allowed.
  case pathTooLong(bytes: Int)
  /// libcrypto does not offer SHA-256.
  case digestUnavailable
}

extension VolumeDirectoryError: CustomStringConvertible {
  /// What was found and what is allowed. Control characters of names and paths are escaped.
  public var description: String {
    switch self {
    case .emptyName: "the name is empty; give the name of the volume or service"
    case .slashInService(let service): "service \(service.debugDescription) has a slash; give the service's name alone"
    case .relativeTarget(let target):
      "target \(target.debugDescription) is not absolute; give the path in the container, which begins with /"
    case .emptyPath(let path):
      "path \(path.debugDescription) names nothing below /; give the path of a directory or file"
    case .parentComponent(let path):
      "path \(path.debugDescription) has a component \"..\"; give the path as realpath prints it"
    case .controlCharacter(let byte, let path):
      "path \(path.debugDescription) has a control character (byte \(byte)); rename the file or directory"
    case .componentTooLong(let component):
      "a component of the path has \(component.utf8.count) bytes: \(component.prefix(40).debugDescription)…; at most "
        + "\(BindPath.longestComponent) are allowed"
    case .pathTooLong(let bytes):
      "the path has \(bytes) bytes; at most \(BindPath.longestPath - "bind/".utf8.count) are allowed"
    case .digestUnavailable: "libcrypto does not offer SHA-256"
    }
  }
}
