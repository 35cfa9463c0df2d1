import Controllers
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@testable import KeptVolumes

@Suite("The rules of a namespace's volume")
struct NamespaceVolumeReviewTests {
  private static func wish(
    size: String = "25Gi", storageClass: String? = nil, claim: String? = nil
  ) throws(Refusal) -> NamespaceVolumeWish {
    try NamespaceVolumeWish(
      KnownNamespace.Volume(size: size, storageClass: storageClass, claim: claim), of: "team")
  }

  /// The class with the default name.
  private static func storageClass(
    provisioner: String = ClusterNames.provisioner, grows: Bool = true
  ) -> StorageClass {
    var storageClass = StorageClass(metadata: ObjectMeta(name: "elastic-local-kept"))
    storageClass.provisioner = provisioner
    storageClass.allowVolumeExpansion = grows
    return storageClass
  }

  /// The claim as the keeper creates it, with a change.
  private static func claim(_ change: (inout PersistentVolumeClaim) -> Void = { _ in }) throws -> NamespaceClaim {
    var claim = try wish().newClaim
    claim.phase = "Bound"
    claim.volumeName = "pvc-1"
    claim.capacity = claim.request
    change(&claim)
    return NamespaceClaim(claim)
  }

  private static func quantity(_ text: String) throws -> Quantity { try Quantity(parsing: text) }

  // MARK: what is asked

  @Test("the annotations name class and claim; without an annotation, or with an empty one, the defaults are used")
  func names() throws {
    let standard = try Self.wish()
    #expect(standard.claim == ObjectKey(namespace: "team", name: "namespace-volume"))
    #expect(standard.storageClass == "elastic-local-kept")
    #expect(try standard.size == Self.quantity("25Gi"))
    #expect(try Self.wish(storageClass: "", claim: "") == standard)
    let other = try Self.wish(storageClass: "fast", claim: "data.all")
    #expect(other.claim.name == "data.all" && other.storageClass == "fast")
  }

  @Test(
    "each size that Kubernetes accepts and a volume can have is accepted:",
    arguments: ["25Gi", "1", "1.5Gi", "3e9", "8Ei", "500M"])
  func sizes(_ text: String) throws {
    #expect(try Self.wish(size: text).size == Self.quantity(text))
  }

  @Test(
    "a label that is not a size is refused, and the refusal has its value:",
    arguments: ["", "true", "25GB", "0", "0Gi", "1e19", "Gi", "25-Gi", "99999999999999999999999999999999E"])
  func noSizes(_ text: String) throws {
    let refusal = try #require(throws: Refusal.self) { try Self.wish(size: text) }
    #expect(refusal.reason == .invalidNamespaceVolume && refusal.message.contains(quoted(text)))
  }

  @Test("a claim name that Kubernetes does not accept is refused:", arguments: ["Data", "a/b", "-a", "a b", "..", "ü"])
  func noClaimNames(_ text: String) throws {
    let refusal = try #require(throws: Refusal.self) { try Self.wish(claim: text) }
    #expect(refusal.reason == .invalidNamespaceVolume && refusal.message.contains(quoted(text)))
  }

  @Test("the claim is created with our label, ReadWriteOnce, Filesystem, the class and the size")
  func newClaim() throws {
    let claim = try Self.wish().newClaim
    #expect(claim.metadata.key == ObjectKey(namespace: "team", name: "namespace-volume"))
    #expect(claim.metadata.labels == [ClusterNames.namespaceVolumeLabel: "true"])
    #expect(claim.accessModes == ["ReadWriteOnce"] && claim.volumeMode == "Filesystem")
    #expect(claim.storageClassName == "elastic-local-kept" && claim.request?.description == "25Gi")
    #expect(claim.volumeName.isEmpty)
  }

  // MARK: what is to be done

  private struct Row {
    var remark: String
    var verdict: NamespaceVolumeVerdict
    var size = "25Gi"
    var grows = true
    var change: (inout PersistentVolumeClaim) -> Void = { _ in }
  }

  private static func rows() throws -> [Row] {
    let raise = NamespaceVolumeVerdict.raise(to: try quantity("30Gi"))
    return [
      Row(remark: "as it was created", verdict: .leave),
      Row(remark: "not bound yet", verdict: .leave) { ($0.phase, $0.capacity) = ("Pending", nil) },
      Row(remark: "more is asked", verdict: raise, size: "30Gi"),
      Row(remark: "the same, in other words", verdict: .leave, size: "26843545600"),
      Row(remark: "less is asked: never lowered", verdict: .leave, size: "5Gi"),
      Row(remark: "more is asked of a class that does not grow, as much as there is", verdict: .leave, grows: false),
      Row(remark: "more is asked, and the claim is not bound", verdict: .leave, size: "30Gi") {
        ($0.phase, $0.capacity) = ("Pending", nil)
      },
      Row(remark: "more is asked, and the claim has lost its PV", verdict: .leave, size: "30Gi") {
        $0.phase = "Lost"
      },
      Row(remark: "more is asked while a growth goes on", verdict: .leave, size: "40Gi") {
        $0.request = Quantity(.gibibytes(30))
      },
      Row(remark: "more is asked, and a larger volume was given back", verdict: raise, size: "30Gi") {
        $0.capacity = Quantity(.gibibytes(100))
      },
      Row(remark: "more is asked, and the claim is being deleted", verdict: .leave, size: "30Gi") {
        $0.metadata.deletionTimestamp = Timestamp(seconds: 1)
      },
      Row(remark: "another class, and being deleted", verdict: .leave) {
        $0.storageClassName = "other"
        $0.metadata.deletionTimestamp = Timestamp(seconds: 1)
      },
    ]
  }

  @Test("a claim that is ours is left or raised")
  func verdicts() throws {
    for row in try Self.rows() {
      let found = NamespaceVolumeReview.verdict(
        on: try Self.wish(size: row.size), claim: try Self.claim(row.change),
        storageClass: Self.storageClass(grows: row.grows))
      #expect(found == row.verdict, "\(row.remark)")
    }
  }

  @Test("an existing claim needs its class only to grow")
  func classGone() throws {
    #expect(NamespaceVolumeReview.verdict(on: try Self.wish(), claim: try Self.claim(), storageClass: nil) == .leave)
  }

  @Test("a missing claim is created")
  func missing() throws {
    #expect(
      NamespaceVolumeReview.verdict(on: try Self.wish(), claim: nil, storageClass: Self.storageClass()) == .create)
    // A class of the Go program's provisioner counts as ours. A class that does not let claims grow is accepted until a
    // claim has to grow.
    let former = Self.storageClass(provisioner: ClusterNames.formerProvisioner, grows: false)
    #expect(NamespaceVolumeReview.verdict(on: try Self.wish(), claim: nil, storageClass: former) == .create)
  }

  private static func refusal(
    size: String = "25Gi", _ claim: NamespaceClaim?, _ storageClass: StorageClass?
  ) throws -> Refusal {
    let verdict = NamespaceVolumeReview.verdict(on: try wish(size: size), claim: claim, storageClass: storageClass)
    guard case .refuse(let refusal) = verdict else { throw Unrefused(verdict: verdict) }
    return refusal
  }

  private struct Unrefused: Error { let verdict: NamespaceVolumeVerdict }

  @Test("a class that does not exist, is another provisioner's or does not let claims grow is refused, with what to do")
  func classes() throws {
    let missing = try Self.refusal(nil, nil)
    #expect(missing.reason == .invalidNamespaceVolume && missing.message.contains("does not exist"))
    let foreign = try Self.refusal(nil, Self.storageClass(provisioner: "other.example"))
    #expect(foreign.reason == .invalidNamespaceVolume && foreign.message.contains("other.example"))
    let rigid = try Self.refusal(size: "30Gi", try Self.claim(), Self.storageClass(grows: false))
    #expect(rigid.reason == .invalidNamespaceVolume && rigid.message.contains("allowVolumeExpansion"))
    let gone = try Self.refusal(size: "30Gi", try Self.claim(), nil)
    #expect(gone.message.contains("does not exist"))
  }

  @Test("a claim of that name that is not ours, of another class or of another shape is a conflict")
  func conflicts() throws {
    let storageClass = Self.storageClass()
    let changes: [(remark: String, word: String, change: (inout PersistentVolumeClaim) -> Void)] = [
      ("a user's own", "was not created by the provisioner", { $0.metadata.labels = [:] }),
      (
        "a label that was copied from the namespace", "was not created by the provisioner",
        { $0.metadata.labels[ClusterNames.namespaceVolumeLabel] = "25Gi" }
      ),
      ("another class", "has storage class \"other\"", { $0.storageClassName = "other" }),
      ("no class", "has storage class \"\"", { $0.storageClassName = nil }),
      ("another access mode", "ReadWriteOnce", { $0.accessModes = ["ReadWriteMany"] }),
      ("one more access mode", "ReadWriteOnce", { $0.accessModes += ["ReadOnlyMany"] }),
      ("a raw block volume", "Filesystem", { $0.volumeMode = "Block" }),
    ]
    for (remark, word, change) in changes {
      // The request is not raised either.
      for size in ["25Gi", "30Gi"] {
        let refusal = try Self.refusal(size: size, try Self.claim(change), storageClass)
        #expect(refusal.reason == .namespaceVolumeConflict && refusal.message.contains(word), "\(remark): \(refusal)")
      }
    }
  }

  @Test("a cache keeps only claims that are ours")
  func cached() throws {
    var claim = try Self.wish().newClaim
    #expect(NamespaceClaim(ifOurs: claim) != nil)
    claim.metadata.labels = ["app": "x"]
    #expect(NamespaceClaim(ifOurs: claim) == nil)
  }
}
