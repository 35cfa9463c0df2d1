// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every Swift target: Swift 6 concurrency, explicit imports, no warning survives.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "elastic-local",
  products: [
    .executable(name: "elastic-local-node", targets: ["node"])
  ],
  targets: [
    // C libraries and shims
    .systemLibrary(name: "CLVM2Cmd"),
    .systemLibrary(name: "CBlkid"),
    .target(name: "CLinux"),

    // values and rules
    .target(name: "StorageModel", swiftSettings: strict),

    // the operating system
    .target(name: "LinuxSystem", dependencies: ["StorageModel", "CLinux", "CBlkid"], swiftSettings: strict),

    // engines and protocols
    .target(
      name: "LogicalVolumes", dependencies: ["StorageModel", "LinuxSystem", "CLVM2Cmd"], swiftSettings: strict),
    .target(name: "NodeProtocol", dependencies: ["StorageModel", "LinuxSystem"], swiftSettings: strict),

    // services
    .target(
      name: "NodeService", dependencies: ["StorageModel", "LinuxSystem", "LogicalVolumes", "NodeProtocol"],
      swiftSettings: strict),

    // executables
    .executableTarget(
      name: "node", dependencies: ["NodeService", "LogicalVolumes", "NodeProtocol", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),

    .testTarget(name: "StorageModelTests", dependencies: ["StorageModel"], swiftSettings: strict),
    .testTarget(name: "LinuxSystemTests", dependencies: ["LinuxSystem"], swiftSettings: strict),
    .testTarget(name: "LogicalVolumesTests", dependencies: ["LogicalVolumes", "LinuxSystem"], swiftSettings: strict),
    .testTarget(name: "NodeProtocolTests", dependencies: ["NodeProtocol"], swiftSettings: strict),
    .testTarget(
      name: "NodeServiceTests", dependencies: ["NodeService", "NodeProtocol", "LogicalVolumes", "LinuxSystem"],
      swiftSettings: strict),
  ]
)
