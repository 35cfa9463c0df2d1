internal import StorageModel

/// A PV's or a pod's `flexVolume`.
package struct FlexVolumeSource: Hashable, Sendable {
  package var driver = ""
  /// Empty when not set.
  package var fsType = ""
  package var options = StringMap()
  package var readOnly = false
  /// Empty name when not set.
  package var secretRef = ObjectReference()

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
      case "options": options = try StringMap(json: &json)
      case "readOnly": readOnly = try json.bool() ?? false
      case "secretRef": secretRef = try ObjectReference(json: &json)
      default: break
      }
    }
  }

  var json: JSONValue {
    .members([
      "driver": .string(driver), "fsType": text(fsType), "options": options.json, "readOnly": readOnly ? true : nil,
      "secretRef": secretRef.name.isEmpty ? nil : secretRef.json,
    ])
  }
}
