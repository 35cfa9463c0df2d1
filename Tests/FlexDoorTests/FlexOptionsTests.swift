import StorageModel
import Testing

@testable import FlexDoor

@Suite("Options of kubelet's calls")
struct FlexOptionsTests {
  @Test("without options nothing is assumed but the standard")
  func empty() throws {
    let options = try FlexOptions([:])
    #expect(options.options == VolumeOptions() && options.volume == nil)
    #expect(options.access == .readWrite && options.pod == nil)
    let blank = [
      "sizeBytes", "fsType", "mkfsOptions", "mountOptions", "volumeGroup", "kubernetes.io/fsType",
      "kubernetes.io/readwrite",
    ]
    #expect(
      try FlexOptions(Dictionary(uniqueKeysWithValues: blank.map { ($0, "") })) == options, "empty is not given")
  }

  @Test("every key is understood")
  func all() throws {
    let options = try FlexOptions([
      "sizeBytes": "1073741824", "fsType": "xfs", "mkfsOptions": "-K", "mountOptions": "noatime,inode64",
      "volumeGroup": "fast-vg", "kubernetes.io/fsType": "xfs", "kubernetes.io/readwrite": "ro",
      "kubernetes.io/pvOrVolumeName": "pvc-1", "kubernetes.io/pod.name": "db-0", "kubernetes.io/pod.namespace": "prod",
      "kubernetes.io/pod.uid": "u", "kubernetes.io/serviceAccount.name": "default",
      "kubernetes.io/mounterArgs.FsGroup": "1000",
      "kubernetes.io/something.new": "x", "kubernetes.io/secret/password": "hunter2", "kubernetes.io/": "",
    ])
    #expect(options.options.size == .gibibytes(1) && options.options.fileSystem == .xfs)
    #expect(options.options.mountOptions.options == ["noatime", "inode64"])
    #expect(options.options.deviceClass.group?.text == "fast-vg")
    let request = options.request(for: try VolumeName("pvc-1"))
    #expect(request.name == options.volume && request.options == options.options)
    #expect(request.access == .readOnly)
    #expect(request.consumer?.description == "prod/db-0")
  }

  @Test(
    "an option that is not understood is refused, naming its key",
    arguments: [
      ("fstype", "ext4", "misspelt"), ("size", "1", "another word"), ("SizeBytes", "1", "capitals"),
      ("kubernetes.iofsType", "x", "no slash"),
      ("sizeBytes", "0", "nothing"), ("sizeBytes", "-1", "negative"), ("sizeBytes", "1Gi", "a unit"),
      ("sizeBytes", "1.5", "a fraction"),
      ("sizeBytes", "9223372036854775808", "beyond 63 bits"), ("sizeBytes", " 1", "a blank"),
      ("fsType", "vfat", "none of ours"),
      ("fsType", "ext4 ", "a blank"), ("fsType", "EXT4", "capitals"), ("fsType", "../ext4", "a path"),
      ("kubernetes.io/fsType", "ntfs", "none of ours"),
      ("kubernetes.io/readwrite", "rx", "neither"), ("kubernetes.io/readwrite", "RO", "capitals"),
      ("kubernetes.io/pvOrVolumeName", "../x", "no name"),
      ("volumeGroup", "a/b", "no group"), ("volumeGroup", "--config", "a switch"),
      ("mountOptions", "suid", "not allowed"),
      ("mkfsOptions", "-F", "not allowed"), ("mkfsOptions", "-K", "xfs's, but ext4 is made"),
    ])
  func refused(_ key: String, _ value: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try FlexOptions([key: value]) }
    #expect(error?.code == .invalid, "\(remark)")
    let name = key == "kubernetes.io/fsType" ? "flexVolume.fsType" : key
    #expect(error?.message.contains(name) == true, "\(remark): \(error?.message ?? "")")
  }

  @Test("two different file systems are refused, two equal ones are one")
  func fileSystems() throws {
    #expect(throws: VolumeError.self) { try FlexOptions(["fsType": "xfs", "kubernetes.io/fsType": "ext4"]) }
    #expect(try FlexOptions(["fsType": "xfs", "kubernetes.io/fsType": ""]).options.fileSystem == .xfs)
    #expect(try FlexOptions(["kubernetes.io/fsType": "btrfs"]).options.fileSystem == .btrfs)
    #expect(try FlexOptions(["sizeBytes": "9223372036854775807"]).options.size?.bytes == UInt64(Int64.max))
  }

  @Test("no refusal ever shows a secret, whatever else is wrong with the options")
  func secrets() throws {
    var generator = SystemRandomNumberGenerator()
    let wrong = [
      ("sizeBytes", "x"), ("fsType", "vfat"), ("kubernetes.io/readwrite", "x"), ("volumeGroup", "/"),
      ("mountOptions", "suid"),
      ("mkfsOptions", "-F"), ("kubernetes.io/pvOrVolumeName", "/"), ("unknown", "x"), ("kubernetes.io/fsType", "x"),
    ]
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789=,/ -\"\\\n%")
    for _ in 0..<500 {
      let secret = "SECRET" + String((0..<12).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] })
      let (key, value) = wrong[Int(generator.next() % UInt64(wrong.count))]
      let error = #expect(throws: VolumeError.self) {
        try FlexOptions([key: value, "kubernetes.io/secret/token": secret, "kubernetes.io/secret/\(value)": secret])
      }
      #expect(error?.description.contains("SECRET") == false)
      // A secret that was given as an option of our own, by mistake: the key is shown, the value is not.
      for mistaken in ["password", "secretRef"] {
        let error = #expect(throws: VolumeError.self) { try FlexOptions([mistaken: secret]) }
        #expect(error?.description.contains("SECRET") == false)
      }
      let among = #expect(throws: VolumeError.self) { try FlexOptions(["mountOptions": "password=\(secret)"]) }
      #expect(among?.description.contains("SECRET") == false || secret.contains(","))
      let switched = #expect(throws: VolumeError.self) {
        try FlexOptions(["mkfsOptions": "-b \(secret.filter { $0 != " " })"])
      }
      #expect(switched?.description.contains("SECRET") == false)
    }
  }

  @Test(
    "a document that is no flat object of strings is refused, and none of it is shown",
    arguments: [
      ("", "nothing"), ("hunter2", "a word"), ("[\"hunter2\"]", "an array"), ("{\"a\":\"hunter2\"", "torn"),
      ("{\"sizeBytes\":1}", "a number"), ("{\"sizeBytes\":{\"a\":\"hunter2\"}}", "an object in it"),
      ("{\"fsType\":\"ext4\"}hunter2", "text behind it"), ("{\"fsType\":\"\\ud800\"}", "half a character"),
    ])
  func documents(_ text: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try FlexOptions(json: text) }
    #expect(error?.code == .invalid && error?.description.contains("hunter2") == false, "\(remark)")
  }
}
