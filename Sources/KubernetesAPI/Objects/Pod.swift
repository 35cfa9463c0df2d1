package import JSON

/// A pod, with the fields that concern volumes.
package struct Pod: APIObject {
  package static let resource = APIResource(name: "pods", kind: "Pod", isNamespaced: true)

  package var metadata: ObjectMeta
  package var nodeName = ""
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  package var phase = ""
  /// The claims of its volumes. The claim of a generic ephemeral volume is `pod-volume`, as its controller names it.
  package var claimNames: [String] = []
  /// FlexVolumes that are specified in the pod itself.
  package var flexVolumes: [FlexVolumeSource] = []

  package init(metadata: ObjectMeta = ObjectMeta()) { self.metadata = metadata }
}

extension Pod {
  package init(json: inout JSONReader) throws(JSONSyntaxError) {
    self.init()
    var volumes: [Volume] = []
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "metadata": metadata = try ObjectMeta(json: &json)
      case "spec": volumes = try readSpec(&json)
      case "status": phase = try json.member("phase") { json throws(JSONSyntaxError) in try json.string() } ?? ""
      default: break
      }
    }
    claimNames = volumes.compactMap { $0.isEphemeral ? "\(metadata.name)-\($0.name)" : $0.claimName }
    flexVolumes = volumes.compactMap(\.flexVolume)
  }

  private mutating func readSpec(_ json: inout JSONReader) throws(JSONSyntaxError) -> [Volume] {
    guard try json.beginObject() else { return [] }
    var volumes: [Volume] = []
    while let key = try json.nextKey() {
      switch key {
      case "nodeName": nodeName = try json.string() ?? ""
      case "volumes": volumes = try json.array(Volume.init)
      default: break
      }
    }
    return volumes
  }

  private struct Volume {
    var name = ""
    var claimName: String?
    var isEphemeral = false
    var flexVolume: FlexVolumeSource?

    init(json: inout JSONReader) throws(JSONSyntaxError) {
      guard try json.beginObject() else { return }
      while let key = try json.nextKey() {
        switch key {
        case "name": name = try json.string() ?? ""
        case "persistentVolumeClaim":
          claimName = try json.member("claimName") { json throws(JSONSyntaxError) in try json.string() }
        case "ephemeral": isEphemeral = try !json.null()
        case "flexVolume": flexVolume = try FlexVolumeSource(json: &json)
        default: break
        }
      }
    }
  }
}
