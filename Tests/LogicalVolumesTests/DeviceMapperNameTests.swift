import Testing

@testable import LogicalVolumes

@Suite("Names of the device mapper")
struct DeviceMapperNameTests {
  @Test(
    "hyphens inside a name are doubled, so that every pair of names has a device name of its own",
    arguments: [
      ("vg", "lv", "vg-lv", "plain"),
      ("elastic-local-vg", "pvc-1", "elastic--local--vg-pvc--1", "hyphens in both"),
      ("a-b", "c", "a--b-c", "in the group"),
      ("a", "b-c", "a-b--c", "in the volume: another than the row above"),
      ("a--b", "c-", "a----b-c--", "several, and at the end"),
      ("v.g", "l+v_1", "v.g-l+v_1", "other characters stay"),
    ])
  func names(_ group: String, _ volume: String, _ name: String, _ remark: String) {
    #expect(DeviceMapperName.name(group: group, volume: volume) == name, "\(remark)")
    #expect(DeviceMapperName.path(group: group, volume: volume) == "/dev/mapper/" + name, "\(remark)")
  }

  @Test("a device's UUID is made of the group's and the volume's, and the volume's comes back out of it")
  func uuids() {
    let group = "PGlyI0-V3tN-i56E-nn2M-Iq63-8OYN-CbJ04J"
    let volume = "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D"
    let device = DeviceMapperName.uuid(group: group, volume: volume)
    #expect(device == "LVM-PGlyI0V3tNi56Enn2MIq638OYNCbJ04JUALcVNirw72wuA6pOj4M3bCsq51Att3D")
    #expect(DeviceMapperName.volumeUUID(inDevice: device, group: group) == volume)
    let rows: [(String, String, Comment)] = [
      (device, volume, "another group"), (device + "-tpool", group, "a layer inside LVM's own"),
      (String(device.dropLast()), group, "one character less"), ("", group, "none"), ("CRYPT-1", group, "another's"),
    ]
    for (uuid, group, remark) in rows {
      #expect(DeviceMapperName.volumeUUID(inDevice: uuid, group: group) == nil, remark)
    }
  }

  @Test("what is no device of the device mapper has no UUID")
  func noDevice() {
    for path in ["/dev/null", "/nonexistent", "/tmp", "/dev/mapper/control"] {
      #expect(DeviceMapperName.deviceUUID(atPath: path) == nil, "\(path)")
    }
  }
}
