import JSON
import Controllers
import KubernetesAPI
import StorageLedger
import StorageModel
import Testing

@Suite("NodeStorage objects")
struct NodeStorageObjectTests {
  private static let text =
    #"{"apiVersion":"volumes.k8s.elastic.co/v1alpha1","kind":"NodeStorage","metadata":{"name":"n","namespace":"s"},"#
    + #""status":{"storage":{"version":1,"defaultGroup":"g","thinByDefault":true,"pools":[{"group":"g","thin":true,"#
    + #""sizeBytes":100,"reservedBytes":3,"extentBytes":4}],"volumes":[{"name":"a","sizeBytes":1,"wantedBytes":2},"#
    + #"{"name":"b","sizeBytes":3,"wantedBytes":3}]},"reports":[{"name":"v","uid":"u","state":"Created","#
    + #""instance":"i"},{"name":"w","uid":"x","state":"Requested","pod":"p/q"}]}}"#

  private func read(_ text: String) throws -> NodeStorageObject {
    var json = JSONReader(Array(text.utf8))
    return try NodeStorageObject(json: &json)
  }

  @Test("the objects of daemons of all releases are read, and written back byte by byte")
  func form() throws {
    let object = try read(Self.text)
    let storage = try #require(object.storage)
    #expect(storage.node == "n" && storage.version == 1 && storage.isThinByDefault && storage.defaultGroup == "g")
    #expect(storage.classes.first?.sizeBytes == 100 && storage.volumes?["a"]?.requestedBytes == 2)
    #expect(object.reports.map(\.state) == [.created, .requested] && object.reports[0].instance == "i")
    #expect(String(decoding: object.json().encoded, as: UTF8.self) == Self.text)
    var copy = NodeStorageObject(node: "n", namespace: "s", owner: nil)
    #expect(String(decoding: copy.json().encoded, as: UTF8.self).contains("status") == false)
    (copy.storage, copy.reports) = (storage, object.reports)
    #expect(copy.status == object.status)
  }

  @Test("an object of an unknown version has no free space, and a report in an unknown state does not count")
  func unknown() throws {
    let object = try read(
      #"{"metadata":{"name":"n"},"status":{"storage":{"pools":"many","volumes":7},"#
        + #""reports":[{"name":"v","uid":"u","state":"Invented"},{"uid":"u","state":"Created"},9]}}"#)
    #expect(object.storage?.version == 0 && object.storage?.classes == [] && object.reports.isEmpty)
    #expect(try read(#"{"metadata":{"name":"n"}}"#).storage == nil)
    #expect(try read(#"{"metadata":{"name":"n"},"status":{"storage":null}}"#).storage == nil)
  }
}
