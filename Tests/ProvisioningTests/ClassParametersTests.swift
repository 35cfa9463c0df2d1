import Controllers
import StorageModel
import Testing

@testable import Provisioning
import StorageLedger

@Suite("Storage class parameters")
struct ClassParametersTests {
  @Test("a class without parameters gets ext4, thick or thin as the node decides")
  func empty() throws {
    let parameters = try ClassParameters([:])
    #expect(parameters.fileSystem == nil)
    #expect(parameters.volumeOptions(size: .gibibytes(1), isUnpinned: false) == ["sizeBytes": "1073741824"])
  }

  @Test("every parameter reaches the volume's options")
  func all() throws {
    let parameters = try ClassParameters(
      [
        "fsType": "xfs", "mkfsOptions": "-i size=512", "mountOptions": "noatime", "volumeGroup": "fast", "thin": "true",
      ], mountOptions: ["nodiratime", "logbufs=8"])
    #expect(parameters.fileSystem == .xfs)
    #expect(
      parameters.volumeOptions(size: .mebibytes(1), isUnpinned: true) == [
        "sizeBytes": "1048576", "mkfsOptions": "-i size=512", "mountOptions": "noatime,nodiratime,logbufs=8",
        "volumeGroup": "fast", "thin": "true", "binding": "immediate",
      ])
    #expect(parameters.place == DeviceClass(group: try VolumeGroupName("fast"), provisioning: .thin))
  }

  @Test("onNodeLoss is parsed, is not an option of the volume, and an unknown value is refused")
  func onNodeLoss() throws {
    #expect(try ClassParameters([:]).onNodeLoss == .keepClaim)
    #expect(try ClassParameters(["onNodeLoss": "keepClaim"]).onNodeLoss == .keepClaim)
    let parameters = try ClassParameters(["onNodeLoss": "recreateClaim"])
    #expect(parameters.onNodeLoss == .recreateClaim)
    #expect(parameters.volumeOptions(size: .gibibytes(1), isUnpinned: false) == ["sizeBytes": "1073741824"])
    #expect(throws: Refusal.self) { try ClassParameters(["onNodeLoss": "recreate"]) }
  }

  @Test("the options of a checked class are accepted by the node")
  func accepted() throws {
    let parameters = try ClassParameters(["fsType": "ext4", "mkfsOptions": "-m 1", "thin": "false"])
    _ = try VolumeOptions(parameters.volumeOptions(size: .gibibytes(1), isUnpinned: true))
  }

  @Test(
    "other provisioners' names for the file system are accepted", arguments: ["csi.storage.k8s.io/fstype", "fstype"])
  func otherNames(name: String) throws {
    #expect(try ClassParameters([name: "btrfs"]).fileSystem == .btrfs)
  }

  @Test("an unknown parameter is refused with the list of all parameters")
  func unknown() throws {
    let refusal = try #require(throws: Refusal.self) { try ClassParameters(["fsTyp": "xfs"]) }
    #expect(refusal.reason == .invalidStorageClass)
    #expect(refusal.message.contains("\"fsTyp\""))
    #expect(refusal.message.contains("fsType, mkfsOptions, mountOptions, volumeGroup, thin"))
  }

  @Test(
    "a value that the node would refuse is refused here, with its name",
    arguments: [
      ("fsType", "ntfs"), ("mkfsOptions", "/dev/sda"), ("mountOptions", "suid"), ("volumeGroup", "../vg"),
      ("thin", "yes"),
    ])
  func badValues(name: String, value: String) throws {
    let refusal = try #require(throws: Refusal.self) { try ClassParameters([name: value]) }
    #expect(refusal.reason == .invalidStorageClass)
    #expect(refusal.message.contains(name == "fsType" ? "ext4" : name) || refusal.message.contains("volume group"))
  }

  @Test("a class cannot set a size", arguments: ["sizeBytes", "binding"])
  func reservedNames(name: String) {
    #expect(throws: Refusal.self) { try ClassParameters([name: "1"]) }
  }
}
