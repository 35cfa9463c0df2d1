/// A directory in a volume that several uses share: the `subPath` of a pod's volume mount.
///
/// | for | directory |
/// | --- | --- |
/// | a named volume | `volume/` and the first 32 hexadecimal digits of the SHA-256 of its name |
/// | an anonymous volume | that of the named volume ``anonymousName(service:target:)`` |
/// | a bind of a path | `bind/` and that path |
///
/// The same use has the same directory on every machine and in every release. No function here reads or writes a file
/// system, so none blocks.
public struct VolumeDirectory: Hashable, Sendable {
  /// The path below the root of the volume, at most 3,584 bytes. It is relative and has no empty component, no `.` and
  /// no `..`.
  public let path: String

  /// The directory of a named volume.
  ///
  /// Names are compared byte by byte. So `ü` as one code point and `ü` as two code points are two names.
  ///
  /// - Throws: `emptyName`; `digestUnavailable` if libcrypto offers no SHA-256.
  public static func named(_ name: String) throws(VolumeDirectoryError) -> VolumeDirectory {
    if name.isEmpty { throw .emptyName }
    return VolumeDirectory(path: "volume/\(try Digest.digits(of: name))")
  }

  /// The directory of an anonymous volume of a service.
  ///
  /// - Parameters:
  ///   - service: the name of the service, without a slash.
  ///   - target: the absolute path of the mount in the service's container. It is not normalized: `/data` and `/data/`
  ///     are two targets.
  /// - Throws: `emptyName`, `slashInService`, `relativeTarget`; `digestUnavailable` if libcrypto offers no SHA-256.
  public static func anonymous(
    service: String, target: String
  ) throws(VolumeDirectoryError) -> VolumeDirectory {
    try named(anonymousName(service: service, target: target))
  }

  /// The name of an anonymous volume: the first 32 hexadecimal digits of the SHA-256 of `<service>-<target>`.
  ///
  /// - Throws: the same errors as ``anonymous(service:target:)``.
  public static func anonymousName(service: String, target: String) throws(VolumeDirectoryError) -> String {
    if service.isEmpty { throw .emptyName }
    // A target begins with a slash, and a service has no slash. So two pairs never have the same text.
    if service.utf8.contains(BindPath.slash) { throw .slashInService(service) }
    if target.utf8.first != BindPath.slash { throw .relativeTarget(target) }
    return try Digest.digits(of: "\(service)-\(target)")
  }

  /// The directory of a bind of a path on the user's own machine.
  ///
  /// Repeated slashes, slashes at the end and components `.` are removed. An absolute path and the relative path with
  /// the same components have the same directory. `..` is refused, because its meaning depends on symbolic links of the
  /// user's machine.
  ///
  /// - Throws: `emptyPath` for a path whose directory would be `bind` itself, which contains all binds;
  ///   `parentComponent`, `controlCharacter`, `componentTooLong`, `pathTooLong`.
  public static func bind(_ path: String) throws(VolumeDirectoryError) -> VolumeDirectory {
    VolumeDirectory(path: "bind/\(try BindPath.clean(path))")
  }
}

extension VolumeDirectory: CustomStringConvertible {
  /// The path.
  public var description: String { path }
}
