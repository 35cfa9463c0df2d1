import JSON
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@Suite("Decoding")
struct DecodingTests {
  private func decode<Object: APIObject>(_ text: String) throws -> Object {
    var reader = JSONReader(Array(text.utf8), cache: DecodingCache())
    let object = try Object(json: &reader)
    try reader.end()
    return object
  }

  @Test("a PV is read with the fields that are used, and written with those that a client may set")
  func volume() throws {
    let volume: PersistentVolume = try decode(
      #"""
      {"kind":"PersistentVolume","apiVersion":"v1","metadata":{"name":"pvc-1","uid":"u","resourceVersion":"12",
      "creationTimestamp":"2024-02-29T23:59:59Z","deletionTimestamp":null,"labels":{"b":"2","a":"1"},
      "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","x":"y\u00e9\ud83d\ude00"},
      "finalizers":["kubernetes.io/pv-protection"],"managedFields":[{"fieldsV1":{"f:a":{".":{}}}}]},
      "spec":{"capacity":{"storage":"1024Mi"},"flexVolume":{"driver":"d","fsType":"xfs","options":{"sizeBytes":"5"}},
      "accessModes":["ReadWriteOnce"],"claimRef":{"kind":"PersistentVolumeClaim","namespace":"n","name":"c","uid":"cu"},
      "persistentVolumeReclaimPolicy":"Delete","storageClassName":"elastic-local","volumeMode":"Filesystem",
      "nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
      {"key":"kubernetes.io/hostname","operator":"In","values":["n1"]}]}]}}},"status":{"phase":"Bound"}}
      """#)
    #expect(volume.metadata.name == "pvc-1")
    #expect(volume.metadata.creationTimestamp == Timestamp(seconds: 1_709_251_199))
    #expect(!volume.metadata.isBeingDeleted)
    #expect(volume.metadata.annotations == ["x": "yé😀"])
    #expect(volume.metadata.labels.keys == ["a", "b"])
    #expect(volume.capacity?.byteCount == .gibibytes(1))
    #expect(volume.claim?.uid == "cu")
    #expect(volume.flexVolume?.options["sizeBytes"] == "5")
    #expect(volume.nodeAffinity == NodeSelector(label: "kubernetes.io/hostname", in: ["n1"]))
    #expect(volume.phase == "Bound")
    let again: PersistentVolume = try decode(String(decoding: volume.json().encoded, as: UTF8.self))
    #expect(again.json() == volume.json())
    #expect(String(decoding: volume.json().encoded, as: UTF8.self).contains(#""storage":"1Gi""#))
  }

  @Test(
    "a field of an unexpected type is read as missing, and what follows it is still read",
    arguments: ["null", "1", "-1.5e3", "true", "\"text\"", "[]", "[1,[2],{\"a\":null}]", "{}", "{\"a\":{\"b\":[1]}}"])
  func lenient(_ value: String) throws {
    let members = ["metadata", "spec", "status", "unknown"]
    for member in members {
      let volume: PersistentVolume = try decode("{\"\(member)\":\(value),\"metadata\":{\"name\":\"v\"}}")
      #expect(volume.metadata.name == "v")
    }
    let specs = ["capacity", "accessModes", "claimRef", "flexVolume", "nodeAffinity", "mountOptions", "volumeMode"]
    for member in specs {
      let text = "{\"spec\":{\"\(member)\":\(value),\"storageClassName\":\"s\"},\"metadata\":{\"name\":\"v\"}}"
      let volume: PersistentVolume = try decode(text)
      #expect(volume.storageClassName == "s" && volume.metadata.name == "v", "\(member)")
    }
  }

  @Test(
    "text that is no JSON is refused",
    arguments: [
      "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
      "{\"a\":tru}",
      "{\"a\":-}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\u{1}\"}", "{\"a\":\"x}", "{\"metadata\":{\"name\":\"\\q\"}}",
      "{\"metadata\":{\"name\":\"\\u12\"}}", "{\"a\":1}}", "{\"a\":[1 2]}", "{,}", "{\"a\":}", "[1,]",
      String(repeating: "[", count: 100_000),
    ])
  func malformed(_ text: String) {
    #expect(throws: JSONSyntaxError.self) { let _: PersistentVolume = try decode(text) }
  }

  @Test("decoding damaged bytes gives an object or an error")
  func mutated() throws {
    let text =
      Array(
        #"{"metadata":{"name":"a\u00e9\ud83d\ude00","labels":{"k":"v\n","l":"w"},"generation":-12,"finalizers":["f","g"]},"#
          .utf8
      )
      + Array(
        #""spec":{"capacity":{"storage":"1.5e3Gi"},"accessModes":["x"],"flexVolume":{"readOnly":true},"a":null}}"#.utf8)
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("{}[]:,\"\\u0e-.tfn \u{0}é".utf8)
    let cache = DecodingCache()
    var (objects, errors) = (0, 0)
    for _ in 0..<20_000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
        let index = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes.remove(at: index)
        case 1: bytes[index] = alphabet[Int.random(in: alphabet.indices, using: &generator)]
        default: bytes.removeLast(Int.random(in: 0..<(bytes.count - index), using: &generator))
        }
      }
      var reader = JSONReader(bytes, cache: cache)
      do throws(JSONSyntaxError) {
        _ = try PersistentVolume(json: &reader)
        try reader.end()
        objects += 1
      } catch {
        errors += 1
      }
    }
    #expect(objects > 1000 && errors > 1000)
  }

  @Test("a claim says whether it has a class, a selector, a data source")
  func claim() throws {
    let plain: PersistentVolumeClaim = try decode(
      #"{"spec":{"resources":{"requests":{"storage":"1.5Gi"}},"selector":null,"dataSource":null}}"#)
    #expect(plain.storageClassName == nil && !plain.hasSelector && plain.dataSource == nil)
    #expect(plain.request?.byteCount == .mebibytes(1536))
    let rich: PersistentVolumeClaim = try decode(
      #"{"spec":{"storageClassName":"","selector":{"matchLabels":{"a":"b"}},"dataSourceRef":{"kind":"VolumeSnapshot","#
        + #""name":"s"}},"status":{"phase":"Pending","conditions":[{"type":"Resizing","status":"True"}]}}"#)
    #expect(rich.storageClassName == "" && rich.hasSelector && rich.dataSource == "VolumeSnapshot/s")
  }

  @Test("a pod names the claims of its volumes, those of generic ephemeral ones too")
  func pod() throws {
    let pod: Pod = try decode(
      #"{"spec":{"nodeName":"n","volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"c"}},"#
        + #"{"name":"e","ephemeral":{"volumeClaimTemplate":{}}},{"name":"f","flexVolume":{"driver":"d"}},"#
        + #"{"name":"g","emptyDir":{}}]},"metadata":{"name":"p"},"status":{"phase":"Running"}}"#)
    #expect(pod.claimNames == ["c", "p-e"])
    #expect(pod.flexVolumes.map(\.driver) == ["d"])
    #expect(pod.phase == "Running" && pod.nodeName == "n")
  }

  @Test("a node is ready when its condition says True, and nothing else")
  func node() throws {
    for (status, isReady) in [("True", true), ("False", false), ("Unknown", false)] {
      let node: Node = try decode(
        #"{"spec":{"unschedulable":true,"taints":[{"key":"k"}]},"status":{"conditions":"#
          + #"[{"type":"MemoryPressure","status":"True"},{"type":"Ready","status":"\#(status)"}]}}"#)
      #expect(node.isReady == isReady && node.isUnschedulable && node.hasTaints)
    }
  }
}

@Suite("Times")
struct RFC3339Tests {
  @Test(
    "times are read as Kubernetes writes them, and written so that it reads them",
    arguments: [
      ("1970-01-01T00:00:00Z", 0, 0), ("2024-02-29T23:59:59Z", 1_709_251_199, 0),
      ("2000-03-01T00:00:00Z", 951_868_800, 0),
      ("2024-02-29T23:59:59.123456Z", 1_709_251_199, 123_456_000), ("2024-03-01T01:59:59+02:00", 1_709_251_199, 0),
      ("1969-12-31T23:59:59Z", -1, 0), ("2100-03-01T00:00:00Z", 4_107_542_400, 0),
    ] as [(String, Int64, Int32)])
  func times(_ text: String, _ seconds: Int64, _ nanoseconds: Int32) throws {
    let time = try #require(Timestamp(rfc3339: text))
    #expect(time == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    #expect(Timestamp(rfc3339: time.rfc3339Micro) == time)
    #expect(Timestamp(rfc3339: time.rfc3339)?.seconds == seconds)
    #expect(time.rfc3339Micro.utf8.count == 27)
  }

  @Test(
    "text that is not a time is refused",
    arguments: [
      "", "2024-02-29", "2024-02-29T23:59:59", "2024-13-01T00:00:00Z", "x", "2023-02-29T00:00:00Z",
      "2024-04-31T00:00:00Z", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00-00:60", "9999-12-31T23:59:59-00:01",
      "0000-01-01T00:00:00+00:01",
    ])
  func noTimes(_ text: String) { #expect(Timestamp(rfc3339: text) == nil) }
}
