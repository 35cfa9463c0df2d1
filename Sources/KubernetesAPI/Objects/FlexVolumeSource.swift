internal import JSON

/// The field `flexVolume` of a PV or a pod.
package struct FlexVolumeSource: Hashable, Sendable {
  package var driver = ""
  /// Empty when not set.
  package var fsType = ""
  package var options = StringMap()
  package var readOnly = false
  /// The secret whose content the driver gets; nil for none.
  package var secret: ObjectKey?

  package init(driver: String, fsType: String = "", options: StringMap = [:], readOnly: Bool = false) {
    self.driver = driver
    self.fsType = fsType
    self.options = options
    self.readOnly = readOnly
  }

  init(json: inout JSONReader) throws(JSONSyntaxError) {
    guard try json.beginObject() else { return }
    while let key = try json.nextKey() {
      switch key {
      case "driver": driver = try json.string() ?? ""
      case "fsType": fsType = try json.string() ?? ""
      case "options": options = try json.shared(StringMap.init)
      case "readOnly": readOnly = try json.bool() ?? false
      case "secretRef":
        let reference = try ObjectReference(json: &json)
        secret = reference.name.isEmpty ? nil : ObjectKey(namespace: reference.namespace, name: reference.name)
      default: break
      }
    }
  }

  var json: JSONValue {
    .members([
      "driver": .string(driver), "fsType": text(fsType), "options": options.json, "readOnly": readOnly ? true : nil,
      "secretRef": secret.map { .members(["namespace": text($0.namespace), "name": .string($0.name)]) },
    ])
  }
}
