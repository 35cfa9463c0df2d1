package import JSON
package import Controllers
package import KubernetesAPI
package import StorageModel

/// The custom resource `NodeStorage`: the report of one node's daemon. The object has the node's name.
///
/// The report is the status, which only the daemon writes. The provisioner reads it, and checks it before each action.
package struct NodeStorageObject: CustomResource {
  /// The resource of the API server, as the CustomResourceDefinition `daemonset/base/node-storage-crd.yaml` defines it.
  package static let resource = APIResource(
    group: "volumes.k8s.elastic.co", version: "v1alpha1", name: "nodestorages", kind: "NodeStorage", isNamespaced: true)

  /// The object's name is the node's name.
  package var metadata = ObjectMeta()
  /// Has no fields.
  package var spec = NoFields()
  /// The report.
  package var status = Status()

  /// The report of the node's daemon, as it is written in JSON.
  package struct Status: FieldObject {
    /// Without the node's name, which is the object's name.
    var storage: NodeStorage?
    var reports: [VolumeReport] = []

    /// A status without a report.
    package init() {}

    /// The members in JSON.
    package static let fields: [Field<Status>] = [Field("storage", \.storage), Field("reports", \.reports)]
  }

  /// An object without a name.
  package init() {}

  /// The object for a node, without a report.
  package init(node: String, namespace: String, owner: OwnerReference?) {
    metadata = ObjectMeta(name: node, namespace: namespace, ownerReferences: owner.map { [$0] } ?? [])
  }

  /// The node's capacity; nil before it is reported, and when it cannot be decoded.
  package var storage: NodeStorage? {
    get {
      var storage = status.storage
      storage?.node = metadata.name
      return storage
    }
    // The object's name is the node's name.
    set {
      status.storage = newValue
      status.storage?.node = ""
    }
  }

  /// Reports about volumes whose PVs do not record the same yet.
  package var reports: [VolumeReport] {
    get { status.reports }
    set { status.reports = newValue }
  }
}

extension NodeStorage: FieldObject {
  /// A storage with an unknown version. The ledger counts no free space for it.
  package init() {
    self.init(node: "", defaultGroup: "", isThinByDefault: false, classes: [])
    version = 0
  }

  /// The members in JSON.
  package static let fields: [Field<NodeStorage>] = [
    Field("version", \.version), Field("defaultGroup", \.defaultGroup), Field("thinByDefault", \.isThinByDefault),
    Field("pools", \.classes),
    // An array, because a merge patch replaces an array whole, whereas it would keep members of an object.
    Field(
      "volumes",
      read: { (json: inout JSONReader, storage: inout NodeStorage) throws(JSONSyntaxError) in
        let found = (try [NamedVolume].read(&json) ?? []).filter { !$0.name.isEmpty }
        storage.volumes = Dictionary(found.map { ($0.name, $0.volume) }) { $1 }
      },
      write: { storage in
        storage.volumes.map { volumes in
          .array(volumes.sorted { $0.key < $1.key }.map { NamedVolume(name: $0.key, volume: $0.value).json })
        }
      }),
  ]

  private struct NamedVolume: FieldObject {
    var name = ""
    var volume = Volume(sizeBytes: 0, requestedBytes: 0)

    init() {}

    init(name: String, volume: Volume) {
      self.name = name
      self.volume = volume
    }

    static let fields: [Field<NamedVolume>] = [
      Field("name", \.name), Field("sizeBytes", \.volume.sizeBytes), Field("wantedBytes", \.volume.requestedBytes),
    ]
  }
}

extension NodeStorage.ClassCapacity: FieldObject {
  /// A capacity of zero.
  package init() { self.init(group: "", isThin: false, sizeBytes: 0, reservedBytes: 0, extentBytes: 0) }

  /// The members in JSON.
  package static let fields: [Field<NodeStorage.ClassCapacity>] = [
    Field("group", \.group), Field("thin", \.isThin), Field("sizeBytes", \.sizeBytes),
    Field("reservedBytes", \.reservedBytes), Field("extentBytes", \.extentBytes),
  ]
}

extension VolumeReport.State: FieldValue {}

/// A report that names no PV object, or has an unknown state, counts as absent.
extension VolumeReport: FieldValue {
  private struct Form: FieldObject {
    var name = ""
    var uid = ""
    var state: State?
    var instance: String?
    var pod: String?

    static let fields: [Field<Form>] = [
      Field("name", \.name), Field("uid", \.uid), Field("state", \.state), Field("instance", \.instance),
      Field("pod", \.pod),
    ]
  }

  /// Reads a report; nil for one that counts as absent.
  ///
  /// - Throws: ``JSONSyntaxError`` if the text is not JSON.
  package static func read(_ json: inout JSONReader) throws(JSONSyntaxError) -> VolumeReport? {
    guard let form = try Form.read(&json), let state = form.state, !form.name.isEmpty, !form.uid.isEmpty else {
      return nil
    }
    return VolumeReport(volume: form.name, uid: form.uid, state: state, instance: form.instance, pod: form.pod)
  }

  /// The report in JSON.
  package var written: JSONValue? {
    var form = Form()
    (form.name, form.uid, form.state, form.instance, form.pod) = (volume, uid, state, instance, pod)
    return form.json
  }
}
