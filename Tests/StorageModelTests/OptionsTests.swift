import StorageModel
import Testing

@Suite("Mount options and mkfs options")
struct AllowListTests {
  @Test(
    "options that are harmless are taken as they are, in order",
    arguments: [
      "noatime", "noatime,nodiratime,noexec", "discard", "nodiscard,barrier", "data=ordered", "data=journal",
      "data=writeback", "errors=remount-ro", "errors=continue", "commit=30", "stripe=128", "inode64,largeio,swalloc",
      "logbufs=8,logbsize=256k", "allocsize=64m", "ssd,compress=zstd:3", "compress-force=zlib:9", "compress=lzo",
      "compress=no", "space_cache=v2", "discard=async", "nosuid,nodev", "lazytime,relatime",
    ])
  func mountAllowed(_ text: String) throws {
    #expect(try MountOptions(parsing: text).options.joined(separator: ",") == text)
  }

  @Test(
    "options that let a pod escape or name what to mount are refused",
    arguments: [
      ("dev", "device nodes"), ("suid", "set-uid programs"), ("exec", "undoes noexec"), ("bind", "another mount"),
      ("rbind", "another mount"), ("move", "another mount"), ("remount", "another mount"),
      ("remount,rw", "another mount"),
      ("loop", "another device"), ("ro", "kubelet says so"),
      ("x-systemd.automount", "userspace's"),
      ("x-mount.mkdir", "userspace's"), ("user", "userspace's"), ("users", "userspace's"),
      ("defaults,suid", "one bad behind it"),
      ("_netdev", "userspace's"), ("context=system_u:object_r:x", "SELinux"), ("device=/dev/sda", "another device"),
      ("logdev=/dev/sda", "another device"), ("rtdev=/dev/sda", "another device"),
      ("journal_path=/dev/sda", "another device"),
      ("journal_dev=8:1", "another device"), ("subvol=/", "another tree"), ("usrquota", "quota files"),
      ("usrjquota=aquota.user", "a file name"), ("sb=8193", "another superblock"),
      ("noload", "does not replay the journal"),
      ("norecovery", "does not replay the log"), ("errors=panic", "stops the node"), ("data=", "no value"),
      ("data=x", "no such mode"), ("commit=-1", "negative"), ("commit=1 2", "a blank"), ("commit=\"1\"", "quotes"),
      ("commit=1;reboot", "a shell"), ("commit=9999999999", "beyond reason"), ("noatime=1", "a value it does not take"),
      ("noatime,", "an empty option"), (",", "only a comma"), ("", "nothing"), (" noatime", "a blank in front"),
      ("noatime ", "a blank behind"), ("noatime\n", "a line break"), ("noatime\u{0}dev", "a NUL"),
      ("NOATIME", "capitals"),
      ("noatime,dev", "one bad among good"), ("compress=lzo:3", "no levels"), ("compress=zstd:x", "no level"),
      ("logbsize=k", "no number"), ("--config", "a switch"), ("-o", "a switch"),
    ])
  func mountRefused(_ text: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try MountOptions(parsing: text) }
    #expect(error?.code == .invalid, "\(remark)")
    #expect(error?.message.hasPrefix("mountOptions: ") == true, "\(remark)")
  }

  @Test(
    "words that ask for the default are accepted, and change nothing", arguments: ["defaults", "rw", "rw,defaults"])
  func mountNeutral(_ text: String) throws {
    #expect(try MountOptions(parsing: text) == .none)
    #expect(try MountOptions(parsing: "\(text),noatime").options == ["noatime"])
  }

  @Test("the UUID of another file system is shared by an XFS only, and no storage class can ask for it")
  func sharedUUID() throws {
    let options = try MountOptions(parsing: "noatime")
    #expect(options.sharingUUID(as: .xfs).options == ["noatime", "nouuid"])
    #expect(options.sharingUUID(as: .ext4) == options && options.sharingUUID(as: .btrfs) == options)
    #expect(throws: VolumeError.self) { try MountOptions(parsing: "nouuid") }
  }

  @Test("every name that a refusal offers is accepted")
  func summary() throws {
    for name in MountOptions.summary.split(separator: " ") where !name.hasSuffix("=") {
      _ = try MountOptions(parsing: String(name))
    }
    #expect(!MountOptions.summary.split(separator: " ").contains { ["dev", "suid", "exec"].contains($0) })
  }

  @Test(
    "switches that change the layout alone are taken as they are",
    arguments: [
      (FileSystemKind.ext4, "-b 4096 -m 1"), (.ext4, "-i 16384 -I 256 -N 100000"), (.ext4, "-O ^has_journal,extent"),
      (.ext4, "-E lazy_itable_init=1,discard"), (.ext4, "-E stride=16,stripe_width=64"), (.ext4, "-T largefile4"),
      (.ext4, ""),
      (.ext4, "  -m   0  "), (.xfs, "-K"), (.xfs, "-b size=4096 -s size=4k"), (.xfs, "-d su=64k,sw=4"),
      (.xfs, "-m crc=1,reflink=0 -n ftype=1"), (.xfs, "-l size=64m -i maxpct=25"),
      (.xfs, "-i nrext64=0,exchange=1 -n parent=1"), (.xfs, "-m metadir=1,autofsck=1"),
      (.ext4, "-m 0.5"), (.ext4, "-m 12.25"), (.btrfs, "-K --mixed -n 16k"),
      (.btrfs, "-m single -d dup --csum xxhash"), (.btrfs, "-O ^no-holes"),
    ])
  func mkfsAllowed(_ kind: FileSystemKind, _ text: String) throws {
    #expect(try MkfsOptions(parsing: text, for: kind).arguments == text.split(separator: " ").map(String.init))
  }

  @Test(
    "switches that name a device or file, force, or belong to another tool are refused",
    arguments: [
      (FileSystemKind.ext4, "-F", "forces"), (.ext4, "-FF", "forces"), (.ext4, "/dev/sda", "another device"),
      (.ext4, "-d /etc", "copies a directory"), (.ext4, "-J device=/dev/sda", "another device"),
      (.ext4, "-J size=4", "the journal"),
      (.ext4, "-l /etc/passwd", "reads a file"), (.ext4, "-S", "writes superblocks alone"),
      (.ext4, "-n", "does nothing"),
      (.ext4, "-t xfs", "another file system"), (.ext4, "-U clear", "the identity"), (.ext4, "-L label", "not needed"),
      (.ext4, "--config /x", "a switch of LVM"), (.ext4, "-E root_owner=0:0", "an owner"),
      (.ext4, "-E offset=4096", "elsewhere"),
      (.ext4, "-E android_sparse", "not known"), (.ext4, "-z undo", "writes a file"), (.ext4, "-M /mnt", "a directory"),
      (.ext4, "-b", "no value"), (.ext4, "-b 4096k", "no number"), (.ext4, "-b -F", "a switch for a value"),
      (.ext4, "-b4096", "one word"),
      (.ext4, "-m 1 2", "one word too many"), (.ext4, "-O \"extent\"", "quotes"),
      (.ext4, "-O extent;reboot", "a shell"),
      (.ext4, "-O ,", "empty names"), (.ext4, "-O -F", "a switch for a value"), (.ext4, "-T ../x", "a path"),
      (.ext4, "-K", "xfs's"),
      (.ext4, "-b\t4096", "a tab"), (.ext4, "-b\n4096", "a line break"), (.ext4, "-b 4096\u{0}", "a NUL"),
      (.ext4, "−b 1", "another dash"),
      (.ext4, "-m 0.", "no digits"), (.ext4, "-m .5", "no digits"), (.ext4, "-m 1.2.3", "two points"),
      (.xfs, "-f", "forces"), (.xfs, "-d name=/etc/passwd", "a file"), (.xfs, "-d file=1", "a file"),
      (.xfs, "-d size=1g", "another size"),
      (.xfs, "-l logdev=/dev/sda", "another device"), (.xfs, "-r rtdev=/dev/sda", "another device"),
      (.xfs, "-p /etc/passwd", "a file"),
      (.xfs, "-c options=/etc/passwd", "a file"), (.xfs, "-L x", "not needed"), (.xfs, "-N", "does nothing"),
      (.xfs, "-i size=", "no value"), (.xfs, "-i size=a", "no number"), (.xfs, "-i size=1=2", "two values"),
      (.xfs, "-m uuid=x", "the identity"),
      (.btrfs, "-f", "forces"), (.btrfs, "-r /etc", "copies a directory"),
      (.btrfs, "--rootdir /etc", "copies a directory"),
      (.btrfs, "-d raid0", "several devices"), (.btrfs, "-m raid1 /dev/sda", "several devices"),
      (.btrfs, "-b 1g", "another size"),
      (.btrfs, "--csum=xxhash", "one word"), (.btrfs, "-U x", "the identity"),
    ])
  func mkfsRefused(_ kind: FileSystemKind, _ text: String, _ remark: String) {
    let error = #expect(throws: VolumeError.self, "\(remark)") { try MkfsOptions(parsing: text, for: kind) }
    #expect(error?.code == .invalid, "\(remark)")
    #expect(error?.message.hasPrefix("mkfsOptions: ") == true, "\(remark)")
    #expect(error?.message.contains("\n") == false, "\(remark)")
  }
}

extension AllowListTests {
  @Test(
    "a refusal names the switch and the key, and shows no value",
    arguments: [
      (FileSystemKind.xfs, "-i nrext65=0", ["-i of mkfs.xfs", "\"nrext65\" is not allowed", "nrext64"]),
      (.xfs, "-m crc=hunter2", ["-m of mkfs.xfs", "value of crc"]), (.xfs, "-m", ["-m of mkfs.xfs", "has no value"]),
      (.ext4, "-m hunter2", ["-m of mkfs.ext4", "value that is not allowed"]),
      (.ext4, "-E stride=1,resiz=hunter2", ["-E of mkfs.ext4", "a key is not allowed", "stride"]),
    ])
  func mkfsNamesKey(_ kind: FileSystemKind, _ text: String, _ words: [String]) {
    let message = #expect(throws: VolumeError.self) { try MkfsOptions(parsing: text, for: kind) }?.message ?? ""
    for word in words { #expect(message.contains(word), "\(message)") }
    #expect(!message.contains("hunter2"), "\(message)")
  }
}

@Suite("Options of a volume")
struct VolumeOptionsTests {
  @Test("without options nothing is assumed but the standard")
  func empty() throws {
    let options = try VolumeOptions([:])
    #expect(options == VolumeOptions())
    #expect(options.size == nil && options.fileSystem == nil && options.deviceClass == DeviceClass())
    #expect(options.mountOptions == .none && options.mkfsOptions == .none && !options.isUnpinned)
    #expect(options.fileSystemToMake == .ext4)
    let blank = Dictionary(uniqueKeysWithValues: VolumeOptions.Name.allCases.map { ($0.rawValue, "") })
    #expect(try VolumeOptions(blank, fsType: "") == options, "empty is not given")
  }

  @Test("every option is understood, and Kubernetes' own keys are ignored")
  func all() throws {
    let options = try VolumeOptions(
      [
        "sizeBytes": "1073741824", "fsType": "xfs", "mkfsOptions": "-K", "mountOptions": "noatime,inode64",
        "volumeGroup": "fast-vg", "thin": "true", "binding": "immediate", "kubernetes.io/something.new": "x",
      ], fsType: "xfs")
    #expect(options.size == .gibibytes(1))
    #expect(options.fileSystem == .xfs && options.fileSystemToMake == .xfs)
    #expect(options.mkfsOptions.arguments == ["-K"])
    #expect(options.mountOptions.options == ["noatime", "inode64"])
    #expect(options.deviceClass == DeviceClass(group: try VolumeGroupName("fast-vg"), provisioning: .thin))
    #expect(options.isUnpinned)
  }

  @Test("the origin of a clone is its name and its instance, and never one alone")
  func origin() throws {
    let whole = ["cloneOf": "pvc-1", "cloneOfInstance": "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D"]
    let origin = try CloneOrigin(
      name: try VolumeName("pvc-1"), instance: "UALcVN-irw7-2wuA-6pOj-4M3b-Csq5-1Att3D")
    let options = try VolumeOptions(whole)
    #expect(options.origin == origin)
    #expect(VolumeRequest(try VolumeName("pvc-2"), options).source == .clone(of: origin))
    #expect(VolumeRequest(try VolumeName("pvc-2"), VolumeOptions()).source == .empty)
    let rows: [(String, String, String)] = [
      ("cloneOf", "", "an instance alone"), ("cloneOfInstance", "", "a name alone"),
      ("cloneOf", "../pvc-1", "no volume's name"), ("cloneOfInstance", "a b", "no instance"),
      ("cloneOfInstance", "a,elastic-local/retained", "another tag"),
      ("cloneOfInstance", String(repeating: "a", count: 65), "too long"),
    ]
    for (name, value, remark) in rows {
      var values = whole
      values[name] = value
      let error = #expect(throws: VolumeError.self, "\(remark)") { try VolumeOptions(values) }
      #expect(error?.code == .invalid && error?.message.contains("cloneOf") == true, "\(remark)")
    }
  }

  @Test("a device class is written as the options that it is read from")
  func deviceClasses() throws {
    for group in [nil, "fast"] {
      for provisioning in [nil, DeviceClass.Provisioning.thick, .thin] {
        let deviceClass = DeviceClass(group: try group.map { try VolumeGroupName($0) }, provisioning: provisioning)
        #expect(try VolumeOptions(deviceClass.options).deviceClass == deviceClass)
      }
    }
    #expect(throws: VolumeError.self) { try DeviceClass(volumeGroup: nil, thin: "yes") }
  }

  @Test(
    "a device class without values is the node's default, and one that a node lacks has no capacity")
  func classes() throws {
    let thick = NodeStorage.ClassCapacity(group: "vg", isThin: false, sizeBytes: 1, reservedBytes: 0, extentBytes: 1)
    let thin = NodeStorage.ClassCapacity(group: "vg", isThin: true, sizeBytes: 2, reservedBytes: 0, extentBytes: 1)
    let storage = NodeStorage(node: "a", defaultGroup: "vg", isThinByDefault: true, classes: [thick, thin])
    #expect(storage.capacity(of: DeviceClass()) == thin)
    #expect(storage.capacity(of: DeviceClass(provisioning: .thick)) == thick)
    #expect(storage.capacity(of: DeviceClass(group: try VolumeGroupName("other"))) == nil)
  }

  @Test(
    "a character that Unicode takes for an allowed letter is refused",
    arguments: ["allocsize=64\u{212A}", "noatime\u{301}", "commit=5\u{301}", "data\u{37E}"])
  func lookalikesInMountOptions(_ text: String) {
    #expect(throws: VolumeError.self) { try MountOptions(parsing: text) }
  }

  @Test(
    "a text that Unicode takes for an allowed switch is refused",
    arguments: ["-\u{212A}", "-n 16\u{212A}", "-m dup\u{301}"])
  func lookalikesInMkfsOptions(_ text: String) {
    #expect(throws: VolumeError.self) { try MkfsOptions(parsing: text, for: .btrfs) }
  }
}

@Suite("Errors and outcomes")
struct ErrorTests {
  static let table: [(VolumeError.Code, FlexStatus, ErrorPolicy.Retry)] = [
    (.notFound, .failure, .afterIntervention),
    (.conflict, .failure, .afterIntervention),
    (.inUse, .failure, .later), (.noSpace, .failure, .afterIntervention),
    (.invalid, .failure, .never), (.unsafe, .failure, .afterIntervention),
    (.forbidden, .failure, .never), (.unavailable, .failure, .later),
    (.cancelled, .failure, .later), (.inProgress, .failure, .later),
    (.unsupported, .notSupported, .never),
    (.internal, .failure, .later),
  ]

  @Test("every code has its row in the one table", arguments: table)
  func policy(_ code: VolumeError.Code, _ status: FlexStatus, _ retry: ErrorPolicy.Retry) {
    let policy = ErrorPolicy.policy(for: code)
    #expect(policy.flexStatus == status)
    #expect(policy.retry == retry)
  }

  @Test("the table has all codes, and only one code makes kubelet stop asking")
  func complete() {
    #expect(Self.table.map(\.0) == VolumeError.Code.allCases)
    #expect(Self.table.filter { $0.1 == .notSupported }.map(\.0) == [.unsupported])
    #expect(Self.table.allSatisfy { $0.1 != .success })
  }

  @Test("statuses are spelt as kubelet compares them, with the exit codes it expects")
  func statuses() {
    let rows: [(FlexStatus, String, Int32)] = [
      (.success, "Success", 0), (.failure, "Failure", 1), (.notSupported, "Not supported", 0),
    ]
    #expect(FlexStatus.allCases == rows.map(\.0))
    for (status, text, code) in rows { #expect(status.rawValue == text && status.exitCode == code) }
  }

  @Test("an error names the activity, and its cause only in the form for logs")
  func errors() {
    struct Underneath: Error {}
    let error = VolumeError(.noSpace, "full", cause: Underneath()).during("making x")
    #expect(error.code == .noSpace)
    #expect(error.message == "making x: full")
    #expect(error.description == "making x: full (Underneath())")
    let both = RollbackError(original: VolumeError(.noSpace, "full"), rollback: VolumeError(.inUse, "busy"))
    #expect(both.description == "full; undoing it failed as well: busy")
  }

  @Test("an outcome has its value either way, and says whether it was a change")
  func outcomes() {
    #expect(Outcome.unchanged(1).value == 1 && !Outcome.unchanged(1).isChange)
    #expect(Outcome.changed(2).value == 2 && Outcome.changed(2).isChange)
  }

  @Test("names that other programs know us by stay what they are")
  func productNames() {
    #expect(ProductNames.driver == "volumes.k8s.elastic.co/elastic-local")
    #expect(ProductNames.escapedDriver == "volumes.k8s.elastic.co~elastic-local")
    #expect(ProductNames.driverComponents.joined(separator: "/") == ProductNames.driver)
    #expect(ProductNames.defaultVolumeGroup == "elastic-local-vg")
    #expect(ProductNames.defaultThinPool == "elastic-local-thinpool")
    #expect(ProductNames.defaultSocket == "/var/run/elastic-local/socket")
  }
}
