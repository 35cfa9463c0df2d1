/// A PV that records a volume which is no longer on the node. Its disk may come back, so no empty volume may replace
/// it.
struct LostVolume: Sendable {
  let node: NodeUnderTest

  private static let new = Operation.NewVolume(
    name: "pvc-7f6b2f0e-5d0c-4f3e-9d36-00000000105f", fileSystem: "ext4", isThin: false, attaches: false, mebibytes: 32)

  /// Asks for it once as a pod. This PV is not in the model; showing the model again removes it.
  func ask() async throws {
    let new = Self.new
    var shown = ShownVolume(Model.Claim(new: new, instance: Group.otherInstance))
    shown.uid = "uid-of-a-lost-one"
    if node.cluster.shown(new.name) == nil { node.cluster.set(shown) }
    var caller = node.caller
    caller.timeout = 30
    let answer = try await caller.mount(new, "pod-x", readOnly: false)
    guard !answer.isSuccess else {
      throw Finding("volume \(new.name) is lost although its PV records it, and an empty one was mounted in its place")
    }
  }

  func forget() { node.cluster.remove(Self.new.name) }
}
