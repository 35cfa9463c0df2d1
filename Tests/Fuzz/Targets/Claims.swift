internal import Controllers
@testable internal import FlexDoor
internal import JSON
internal import KubernetesAPI
internal import Provisioning
internal import StorageLedger
@testable internal import StorageModel

extension FuzzTarget {
  /// A claim and its class as users write them, `{"class":{…},"claim":{…}}`: whatever the provisioner makes a PV of, the
  /// node's daemon accepts, and as the same volume.
  static let claim = FuzzTarget("claim", maximumLength: 1024) { bytes throws(Violation) in
    var claim = PersistentVolumeClaim()
    var storageClass = StorageClass()
    do throws(JSONSyntaxError) {
      var json = JSONReader(bytes)
      guard try json.beginObject() else { return }
      while let key = try json.nextKey() {
        if key == "claim" { claim = try PersistentVolumeClaim(json: &json) }
        if key == "class" { storageClass = try StorageClass(json: &json) }
      }
    } catch {
      return
    }
    // As the API server guarantees, and so that most inputs get beyond the first question.
    claim.metadata.uid = "0f5e9cf5-5b5e-4b0c-8a43-2f2a5b9b1c11"
    claim.metadata.annotations[PersistentVolumeClaim.provisionerAnnotations[0]] = ClusterNames.provisioner
    storageClass.provisioner = ClusterNames.provisioner
    switch ClaimReview.verdict(on: claim, in: storageClass) {
    case .leave, .wait: break
    case .refuse(let refusal): try holdOneLine(refusal.message)
    case .make(let wish): try check(wish)
    }
  }

  private static func check(_ wish: VolumeWish) throws(Violation) {
    let pv = wish.persistentVolume(hostname: "node-1")
    try hold(pv.capacity?.byteCount == wish.size, "capacity \(pv.capacity?.description ?? "none")")
    try hold(pv.isProvisionedByUs && pv.holdsOurFinalizer, "a PV that nobody would delete")
    try hold(pv.place == wish.parameters.place, "place \(String(describing: pv.place))")
    guard let source = pv.flexVolume else { throw Violation(description: "no FlexVolume") }
    // As kubelet adds to them.
    var values = source.options.dictionary
    values["kubernetes.io/fsType"] = source.fsType
    values["kubernetes.io/readwrite"] = "rw"
    values["kubernetes.io/pvOrVolumeName"] = pv.metadata.name
    let request = try mustSucceed("the node's reading of \(values)") { try FlexOptions(values) }
    let options = request.options
    try hold(request.volume?.text == pv.metadata.name, "\(request) of \(pv.metadata.name)")
    try checkOptions(options)
    try hold(options.size == wish.size && options.fileSystem == wish.parameters.fileSystem, "\(options) of \(wish)")
    try hold(options.deviceClass == wish.parameters.place, "device class: \(options)")
    try hold(options.isUnpinned == (wish.node == nil), "binding: \(options)")
  }
}
