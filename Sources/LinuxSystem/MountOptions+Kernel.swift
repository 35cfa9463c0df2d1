package import StorageModel

extension MountOptions {
  /// The options as mount(2) takes them. Device nodes and set-uid programs never work on a volume.
  package var kernelForm: (flags: MountFlags, data: String) {
    var flags: MountFlags = [.nodev, .nosuid]
    var data: [String] = []
    for option in options {
      if let flag = Flag(rawValue: option) { flags.insert(flag.kernelForm) } else { data.append(option) }
    }
    return (flags, data.joined(separator: ","))
  }

  /// The options that a bind mount cannot have for itself.
  package var notPerMount: [String] {
    options.filter { Flag(rawValue: $0).map { !$0.isPerMount } ?? true }
  }

  /// Those that it can, for messages.
  package static var perMount: [String] { Flag.allCases.filter(\.isPerMount).map(\.rawValue).sorted() }
}

extension MountOptions.Flag {
  /// The flag of mount(2).
  package var kernelForm: MountFlags {
    switch self {
    case .noatime: .noatime
    case .nodiratime: .nodiratime
    case .relatime: .relatime
    case .strictatime: .strictatime
    case .lazytime: .lazytime
    case .noexec: .noexec
    case .sync: .synchronous
    case .dirsync: .dirsync
    case .nodev: .nodev
    case .nosuid: .nosuid
    }
  }

  fileprivate var isPerMount: Bool { MountFlags.perMount.isSuperset(of: kernelForm) }
}

extension MountFlags {
  /// As mountinfo shows them. The kernel shows no word for strict access times.
  package var optionNames: Set<String> {
    let shown: [MountOptions.Flag] = [.nosuid, .nodev, .noexec, .noatime, .nodiratime, .relatime]
    let names = shown.filter { contains($0.kernelForm) }.map(\.rawValue)
    return Set(contains(.readOnly) ? names + ["ro"] : names)
  }
}
