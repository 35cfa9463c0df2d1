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

/// The flex client starts for every call of the kubelet and runs where nothing is installed: Embedded Swift (no runtime
/// library, no Foundation), small, whole-module in debug builds too because Embedded Swift knows no other way.
let embedded: [SwiftSetting] =
  strict + [
    .enableExperimentalFeature("Embedded"),
    // The toolchain has Embedded Swift's library in one place only, where `--static-swift-stdlib` does not look.
    .unsafeFlags(["-wmo", "-Osize", "-parse-as-library", "-no-static-stdlib"]),
  ]

/// One file that runs on any host. The driver passes `-pie` as well, which clang reports as unused.
let staticExecutable: [LinkerSetting] = [
  .unsafeFlags([
    "-no-static-stdlib", "-Xclang-linker", "-static", "-Xclang-linker", "-Wno-unused-command-line-argument",
  ]),
  // Without symbols: they are a third of the file.
  .unsafeFlags(["-Xlinker", "-s"], .when(configuration: .release)),
]

let package = Package(
  name: "elastic-local",
  products: [
    .library(name: "VolumeHost", targets: ["VolumeHost"]),
    .library(name: "VolumeDirectories", targets: ["VolumeDirectories"]),
    .executable(name: "flex-sanity", targets: ["flex-sanity"]),
    .executable(name: "elastic-local", targets: ["flex-client"]),
    .executable(name: "elastic-local-attach", targets: ["flex-client-attach"]),
    .executable(name: "elastic-local-node", targets: ["node"]),
    .executable(name: "elastic-local-provisioner", targets: ["provisioner"]),
  ],
  targets: [
    // C libraries and shims
    .systemLibrary(name: "CLVM2Cmd"),
    .systemLibrary(name: "CBlkid"),
    .systemLibrary(name: "CCurl"),
    .systemLibrary(name: "CCrypto"),
    .target(name: "CLinux"),
    .target(name: "CFlexClient"),

    // values and rules
    .target(name: "StorageModel", swiftSettings: strict),

    // texts
    .target(name: "JSON", swiftSettings: strict),

    // the operating system
    .target(name: "LinuxSystem", dependencies: ["StorageModel", "CLinux", "CBlkid"], swiftSettings: strict),

    // engines and protocols
    .target(
      name: "LogicalVolumes", dependencies: ["JSON", "StorageModel", "LinuxSystem", "CLVM2Cmd"], swiftSettings: strict),
    .target(name: "NodeProtocol", dependencies: ["JSON", "StorageModel", "LinuxSystem"], swiftSettings: strict),

    // the API server
    .target(
      name: "KubernetesAPI", dependencies: ["JSON", "StorageModel", "LinuxSystem", "CCurl"], swiftSettings: strict),

    // the kubelet's side of FlexVolume
    .target(name: "CVolumeHost"),
    .target(name: "VolumeHost", dependencies: ["CVolumeHost", "LinuxSystem", "StorageModel"], swiftSettings: strict),

    // what programs share: command lines, log, metrics and their pages
    .target(name: "CommandLineTool", dependencies: ["StorageModel"], swiftSettings: strict),
    .target(name: "Telemetry", dependencies: ["LinuxSystem", "JSON", "StorageModel"], swiftSettings: strict),

    // services
    .target(
      name: "NodeService", dependencies: ["LogicalVolumes", "Telemetry", "LinuxSystem", "JSON", "StorageModel"],
      swiftSettings: strict),

    // the daemon's socket, and what comes through it: our own tool's calls, and a door to the volumes
    .target(
      name: "NodeCalls",
      dependencies: ["NodeService", "NodeProtocol", "LogicalVolumes", "Telemetry", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .target(
      name: "FlexDoor",
      dependencies: ["NodeCalls", "NodeService", "NodeProtocol", "Telemetry", "LinuxSystem", "JSON", "StorageModel"],
      swiftSettings: strict),

    // what every controller needs once
    .target(
      name: "Controllers",
      dependencies: ["CommandLineTool", "KubernetesAPI", "Telemetry", "LinuxSystem", "JSON", "StorageModel"],
      swiftSettings: strict),

    // where several volumes of a user are within one
    .target(name: "VolumeDirectories", dependencies: ["CCrypto"], swiftSettings: strict),

    // what claims are given
    .target(
      name: "StorageLedger", dependencies: ["Controllers", "KubernetesAPI", "JSON", "StorageModel"],
      swiftSettings: strict),
    // volumes that outlive their claims
    .target(
      name: "KeptVolumes",
      dependencies: ["StorageLedger", "Controllers", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    // volumes that are ready before they are asked for
    .target(
      name: "Pools",
      dependencies: ["StorageLedger", "Controllers", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .target(
      name: "Provisioning",
      dependencies: [
        "Pools", "KeptVolumes", "StorageLedger", "Controllers", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel",
      ],
      swiftSettings: strict),
    .target(
      name: "NodeReconciler",
      dependencies: [
        "NodeService", "StorageLedger", "Controllers", "KubernetesAPI", "JSON", "LogicalVolumes", "Telemetry",
        "LinuxSystem",
        "StorageModel",
      ], swiftSettings: strict),

    // the flex client
    .target(name: "FlexClient", dependencies: ["CFlexClient"], swiftSettings: embedded),
    .executableTarget(
      name: "flex-client", dependencies: ["FlexClient"], swiftSettings: embedded, linkerSettings: staticExecutable),
    .executableTarget(
      name: "flex-client-attach", dependencies: ["FlexClient"], swiftSettings: embedded,
      linkerSettings: staticExecutable),

    // executables
    .executableTarget(
      name: "node",
      dependencies: [
        "CommandLineTool", "NodeReconciler", "Controllers", "KubernetesAPI", "FlexDoor", "NodeCalls", "NodeService",
        "NodeProtocol", "LogicalVolumes", "Telemetry", "LinuxSystem", "JSON", "StorageModel",
      ],
      swiftSettings: strict),

    .executableTarget(
      name: "provisioner",
      dependencies: [
        "CommandLineTool", "VolumeDirectories", "Provisioning", "Pools", "KeptVolumes", "StorageLedger", "Controllers",
        "KubernetesAPI", "Telemetry", "LinuxSystem", "StorageModel",
      ],
      swiftSettings: strict),
    .executableTarget(name: "flex-sanity", dependencies: ["VolumeHost"], swiftSettings: strict),
    .executableTarget(
      name: "demo", dependencies: ["CommandLineTool", "VolumeHost", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .executableTarget(
      name: "torture",
      dependencies: [
        "CommandLineTool", "VolumeHost", "NodeProtocol", "StorageLedger", "Controllers", "KubernetesAPI", "LinuxSystem",
        "JSON", "StorageModel", "CLinux",
      ],
      swiftSettings: strict),

    // measurements, and tests that fail now and then
    .target(name: "RunningPrograms", dependencies: ["CommandLineTool", "LinuxSystem"], swiftSettings: strict),
    .executableTarget(
      name: "flakes", dependencies: ["RunningPrograms", "CommandLineTool", "LinuxSystem"], swiftSettings: strict),
    .executableTarget(
      name: "bench",
      dependencies: [
        "RunningPrograms", "CommandLineTool", "VolumeHost", "StorageLedger", "Controllers", "KubernetesAPI",
        "LinuxSystem",
        "JSON", "StorageModel",
      ],
      path: "Benchmarks/bench", swiftSettings: strict),
    .executableTarget(
      name: "api-client-benchmark", dependencies: ["KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      path: "Benchmarks/api-client", swiftSettings: strict),

    // Runs the executables, which `swift build --build-tests` builds with everything else: Embedded Swift cannot be linked
    // into a test. The portable sources are compiled in a second time through links in Shared/.
    .testTarget(name: "FlexClientTests", dependencies: ["StorageModel"], swiftSettings: strict),
    // tests; what several of them need, and the contract every engine keeps, is plain code
    .target(
      name: "TestSupport", dependencies: ["StorageLedger", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "TestSupportTests",
      dependencies: ["TestSupport", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .target(
      name: "EngineContract", dependencies: ["LogicalVolumes", "LinuxSystem", "StorageModel"],
      path: "Tests/EngineContract", swiftSettings: strict),
    .testTarget(
      name: "VolumeHostTests", dependencies: ["VolumeHost", "LinuxSystem", "StorageModel"], exclude: ["Traces"],
      swiftSettings: strict),
    .testTarget(
      name: "ProvisioningTests",
      dependencies: [
        "TestSupport", "StorageLedger", "KeptVolumes", "Provisioning", "Controllers", "KubernetesAPI", "JSON",
        "LinuxSystem",
        "StorageModel",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "KeptVolumesTests",
      dependencies: [
        "TestSupport", "KeptVolumes", "Provisioning", "Controllers", "KubernetesAPI", "JSON", "LinuxSystem",
        "StorageModel",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PoolsTests",
      dependencies: [
        "TestSupport", "Pools", "Provisioning", "KeptVolumes", "StorageLedger", "Controllers", "KubernetesAPI", "JSON",
        "LinuxSystem", "StorageModel",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "VolumeDirectoriesTests", dependencies: ["VolumeDirectories", "LinuxSystem", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "StorageLedgerTests",
      dependencies: [
        "TestSupport", "StorageLedger", "Controllers", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NodeReconcilerTests",
      dependencies: [
        "TestSupport", "NodeReconciler", "NodeService", "StorageLedger", "Controllers", "KubernetesAPI",
        "LogicalVolumes", "Telemetry",
        "LinuxSystem", "StorageModel",
      ], swiftSettings: strict),
    .testTarget(name: "StorageModelTests", dependencies: ["StorageModel"], swiftSettings: strict),
    .testTarget(
      name: "LinuxSystemTests", dependencies: ["TestSupport", "LinuxSystem", "StorageModel"], swiftSettings: strict),
    .testTarget(
      name: "LogicalVolumesTests", dependencies: ["EngineContract", "LogicalVolumes", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .testTarget(
      name: "KubernetesAPITests",
      dependencies: ["TestSupport", "KubernetesAPI", "JSON", "LinuxSystem", "StorageModel"],
      swiftSettings: strict),
    .testTarget(
      name: "ControllersTests",
      dependencies: [
        "TestSupport", "Controllers", "CommandLineTool", "KubernetesAPI", "Telemetry", "LinuxSystem", "JSON",
        "StorageModel",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NodeProtocolTests", dependencies: ["NodeProtocol", "LinuxSystem", "StorageModel"], swiftSettings: strict),
    .testTarget(
      name: "NodeServiceTests",
      dependencies: [
        "TestSupport", "FlexDoor", "NodeCalls", "NodeService", "NodeProtocol", "LogicalVolumes", "Telemetry",
        "LinuxSystem", "StorageModel",
      ], swiftSettings: strict),
    .testTarget(
      name: "FlexDoorTests", dependencies: ["FlexDoor", "NodeService", "StorageModel"], swiftSettings: strict),
    .testTarget(
      name: "SystemTests",
      dependencies: [
        "EngineContract", "VolumeHost", "NodeProtocol", "LogicalVolumes", "LinuxSystem", "StorageModel",
      ],
      path: "Tests/System", swiftSettings: strict),
    .testTarget(
      name: "ClusterTests", dependencies: ["LinuxSystem", "StorageModel"], path: "Tests/Cluster", swiftSettings: strict),
  ]
)

/// What is fuzzed, and so what the fuzz functions can see.
let fuzzed: [Target.Dependency] = [
  "CommandLineTool", "Provisioning", "StorageLedger", "Controllers", "KubernetesAPI", "FlexDoor", "NodeService",
  "NodeProtocol", "LogicalVolumes", "LinuxSystem", "JSON", "StorageModel", "Telemetry",
]

// The fuzz functions are a test that replays inputs or, for `make fuzz` (lab/fuzz), a program that libFuzzer drives.
if Context.environment["ELASTIC_LOCAL_FUZZ"] == nil {
  package.targets.append(
    .testTarget(
      name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz",
      exclude: ["Driver", "Corpus", "Found", "Dictionaries"], swiftSettings: strict))
} else {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Replay", "Corpus", "Found", "Dictionaries"],
      swiftSettings: strict))
}
