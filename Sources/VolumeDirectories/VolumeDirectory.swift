/// A directory within a volume that is shared by several uses: the `subPath` of a pod's volume mount.
///
/// | for | directory |
/// | --- | --- |
/// | a named volume | `volume/` and the first 32 hexadecimal digits of the SHA-256 of its name |
/// | an anonymous volume | as a named one whose name are those 32 digits of `<service>-<target>` |
/// | a bind of a path | `bind/` and that path |
///
/// The same use always has the same directory, on every machine and in every release. Nothing here touches a file system.
public struct VolumeDirectory: Hashable, Sendable {
  /// The path below the root of the volume: relative, without empty components, `.` and `..`. At most 3,584 bytes.
  public let path: String

  /// The directory of a named volume.
  ///
  /// Names are compared byte by byte: `ü` in one and in two code points are two names.
  ///
  /// - Throws: `emptyName`; `digestUnavailable`.
  public static func named(_ name: String) throws(VolumeDirectoryError) -> VolumeDirectory {
    if name.isEmpty { throw .emptyName }
    return VolumeDirectory(path: "volume/\(try Digest.digits(of: name))")
  }

  /// The directory of a volume without a name.
  ///
  /// - Parameters:
  ///   - service: the service whose volume it is; it has no slash.
  ///   - target: where it is mounted in the service's container, an absolute path. It is taken as it is: `/data` and `/data/`
  ///     are two targets.
  /// - Throws: `emptyName`, `slashInService`, `relativeTarget`; `digestUnavailable`.
  public static func anonymous(
    service: String, target: String
  ) throws(VolumeDirectoryError) -> VolumeDirectory {
    try named(anonymousName(service: service, target: target))
  }

  /// The name that a volume without one is given: the first 32 hexadecimal digits of the SHA-256 of `<service>-<target>`.
  ///
  /// - Throws: as ``anonymous(service:target:)``.
  public static func anonymousName(service: String, target: String) throws(VolumeDirectoryError) -> String {
    if service.isEmpty { throw .emptyName }
    // Since a target begins with a slash and no service has one, no two pairs have the same text.
    if service.utf8.contains(BindPath.slash) { throw .slashInService(service) }
    if target.utf8.first != BindPath.slash { throw .relativeTarget(target) }
    return try Digest.digits(of: "\(service)-\(target)")
  }

  /// The directory of a path that is bound, as on the user's own machine.
  ///
  /// Repeated slashes, slashes at the end and `.` are taken away. An absolute path and the relative one of the same components
  /// have the same directory. `..` is refused: where it leads depends on symbolic links that only the user's machine knows.
  ///
  /// - Throws: `emptyPath` for one that would be `bind` itself, with all other binds below; `parentComponent`,
  ///   `controlCharacter`, `componentTooLong`, `pathTooLong`.
  public static func bind(_ path: String) throws(VolumeDirectoryError) -> VolumeDirectory {
    VolumeDirectory(path: "bind/\(try BindPath.clean(path))")
  }
}

extension VolumeDirectory: CustomStringConvertible {
  /// The path.
  public var description: String { path }
}
