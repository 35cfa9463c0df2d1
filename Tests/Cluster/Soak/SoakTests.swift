import LinuxSystem
import Testing

/// A node's life, compressed: claims come and go, their volumes are mounted and unmounted as fast as possible, the daemon is
/// stopped and killed, the API server is killed. Real LVM, a real control plane; the client is called as kubelet calls it.
@Suite("A node that lives for long", .serialized, .controlPlane)
struct SoakTests {
  /// How many rounds, each of 4 claims and about a minute.
  private static let rounds = OwnProcess.environment["ROUNDS"].flatMap { Int($0) } ?? 12

  @Test(
    "has as many descriptors, threads, children, mounts, volumes and files as after its first round, and the memory")
  func nothingGrows() throws {
    let node = try SoakedNode()
    var first: Census?
    print(Census.heading)
    for round in 0...Self.rounds {
      try node.live(round, of: Self.rounds)
      let census = try node.census()
      print(census.line(round))
      guard let first else {
        first = census
        continue
      }
      guard round == Self.rounds else { continue }
      for (field, limit) in first.limits {
        #expect(census[field] <= limit, "\(field.rawValue): \(first[field]) after the first round")
      }
    }
    print(node.summary)
  }
}
