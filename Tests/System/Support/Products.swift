import LinuxSystem

/// The executables under test: in `ELASTIC_LOCAL_PRODUCTS`, else beside the test bundle.
enum Products {
  static let client = directory + "/elastic-local"
  static let attachingClient = directory + "/elastic-local-attach"
  static let daemon = directory + "/elastic-local-node"

  static var obstacle: String? {
    [client, attachingClient, daemon].first { !Files.exists($0) }.map {
      "needs \($0): swift build, or ELASTIC_LOCAL_PRODUCTS"
    }
  }

  private static let directory =
    OwnProcess.environment["ELASTIC_LOCAL_PRODUCTS"]
    ?? Files.linkTarget("/proc/self/exe").map { parent(of: $0) } ?? "."
}
