import VolumeHost

/// Values for many tests.
enum Sample {
  static func version(_ text: String) -> KubernetesVersion { KubernetesVersion(text) ?? .newest }
  static func driver(_ text: String = "example.org/bind") -> DriverName {
    guard let name = DriverName(text) else { preconditionFailure("\(text) is no driver name") }
    return name
  }

  static let source = FlexSource(driver: "example.org/bind", fsType: "ext4", options: ["some": "option", "n": "5"])
  static let inline = VolumeSpec.inline("v", source)

  static func pod(
    _ name: String = "in1", uid: String = "uid-1", group: UInt32? = nil, volumes: [VolumeSpec] = [inline]
  ) -> Pod {
    Pod(name: name, uid: uid, group: group, volumes: volumes)
  }
}
