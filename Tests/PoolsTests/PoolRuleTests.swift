import Controllers
import JSON
import KubernetesAPI
import LinuxSystem
import StorageModel
import Testing

@testable import Pools

/// A pool by its specification, as the API server would send it.
func makePool(_ spec: JSONValue, name: String = "pool") throws -> Pool {
  let object: JSONValue = [
    "metadata": ["name": .string(name), "namespace": "x", "uid": "uid-of-the-pool"], "spec": spec,
  ]
  var json = JSONReader(object.encoded)
  return try Pool(json: &json)
}

private let good: JSONValue = [
  "selector": ["matchLabels": ["a": "b"]],
  "template": [
    "metadata": ["labels": ["a": "b", "c": "d"]], "spec": ["resources": ["requests": ["storage": "50Mi"]]],
  ],
]

@Suite("Rules of pools")
struct PoolRuleTests {
  @Test("a pool of few words has the defaults")
  func defaults() throws {
    let pool = try makePool(good.merged(with: ["initJob": [:]]))
    #expect(pool.spec.replicas == 1 && pool.spec.initJob?.volumeName == "workspace" && pool.spec.placement.spread)
    #expect(pool.spec.size?.byteCount == .mebibytes(50) && pool.spec.className == nil)
    #expect(PoolReview.problem(of: pool, in: nil) == nil)
    let empty = try makePool([:])
    #expect(empty.spec.replicas == 1 && empty.spec.initJob == nil)
  }

  @Test(
    "what a pool may not ask for is refused, and the message names the field and what is allowed",
    arguments: [
      (["replicas": -1], "spec.replicas is -1"),
      (["selector": ["matchLabels": .null]], "spec.selector is empty"),
      (["selector": ["matchLabels": ["a": "other"]]], "not what spec.selector selects"),
      (["selector": ["matchLabels": ["a b": "c"]]], "no key of a label"),
      (["selector": ["matchLabels": ["a": "b c"]]], "no value of a label"),
      (["selector": ["matchExpressions": [["key": "a", "operator": "Is"]]]], "none of In"),
      (["selector": ["matchExpressions": [["key": "a", "operator": "In"]]]], "needs values"),
      (["selector": ["matchExpressions": [["key": "a", "operator": "Exists", "values": ["x"]]]]], "has no values"),
      (["selector": ["matchExpressions": [["key": "-", "operator": "Exists"]]]], "no key of a label"),
      (["selector": ["matchExpressions": [["key": "a", "operator": "NotIn", "values": ["b"]]]]], "not what"),
      (["template": ["metadata": ["labels": ["x/y/z": "1"]]]], "no key of a label"),
      (
        ["template": ["metadata": ["labels": ["a": "b", "long": .string(String(repeating: "x", count: 64))]]]],
        "no value"
      ),
      (["template": ["metadata": ["annotations": ["": "x"]]]], "no key of an annotation"),
      (["initJob": ["volumeName": "a.b"]], "no name of a pod's volume"),
      (["initJob": ["volumeName": ""]], "no name of a pod's volume"),
      (["initJob": ["template": ["spec": ["activeDeadlineSeconds": 301]]]], "at most 300"),
      (["initJob": ["template": ["spec": ["backoffLimit": 11]]]], "at most 10"),
      (
        ["initJob": ["template": ["spec": ["template": ["spec": ["restartPolicy": "OnFailure"]]]]]], "has to be Never"
      ),
      (["initJob": ["template": ["metadata": ["labels": ["?": "1"]], "spec": [:]]]], "no key of a label"),
    ] as [(JSONValue, String)])
  func refused(change: JSONValue, words: String) throws {
    let problem = PoolReview.problem(of: try makePool(good.merged(with: change)), in: nil)
    #expect(problem?.contains(words) == true, "\(problem ?? "nothing")")
  }

  @Test(
    "what is at the limit is served",
    arguments: [
      ["replicas": 0], ["initJob": ["template": ["spec": ["activeDeadlineSeconds": 300, "backoffLimit": 10]]]],
      ["initJob": ["template": ["spec": ["template": ["spec": ["restartPolicy": ""]]]]]],
      ["initJob": ["template": ["spec": ["template": ["spec": ["restartPolicy": "Never"]]]]]],
      ["selector": ["matchExpressions": [["key": "c", "operator": "In", "values": ["x", "d"]]]]],
      ["selector": ["matchLabels": .null, "matchExpressions": [["key": "e", "operator": "DoesNotExist"]]]],
      ["template": ["metadata": ["annotations": ["Example.org/Note": "any text, ö too"]]]],
    ] as [JSONValue])
  func served(change: JSONValue) throws {
    #expect(PoolReview.problem(of: try makePool(good.merged(with: change)), in: nil) == nil)
  }

  @Test("a class of ours that keeps volumes is refused, another product's parameter of that name is not")
  func keptClass() throws {
    var storageClass = StorageClass(metadata: ObjectMeta(name: "kept"))
    storageClass.parameters = ["keep": "30d"]
    storageClass.provisioner = ClusterNames.provisioner
    #expect(PoolReview.problem(of: try makePool(good), in: storageClass)?.contains("keeps volumes") == true)
    storageClass.provisioner = "example.org/disks"
    #expect(PoolReview.problem(of: try makePool(good), in: storageClass) == nil)
  }

  @Test(
    "a selector holds when all of it does, an empty one never",
    arguments: [
      ("{}", false), (#"{"matchLabels":{"a":"1"}}"#, true), (#"{"matchLabels":{"a":"2"}}"#, false),
      (#"{"matchLabels":{"a":"1","b":"2"}}"#, true), (#"{"matchLabels":{"a":"1","x":"2"}}"#, false),
      (#"{"matchExpressions":[{"key":"a","operator":"In","values":["1","3"]}]}"#, true),
      (#"{"matchExpressions":[{"key":"a","operator":"NotIn","values":["1"]}]}"#, false),
      (#"{"matchExpressions":[{"key":"x","operator":"NotIn","values":["1"]}]}"#, true),
      (#"{"matchExpressions":[{"key":"a","operator":"Exists"},{"key":"x","operator":"DoesNotExist"}]}"#, true),
      (#"{"matchExpressions":[{"key":"a","operator":"DoesNotExist"}]}"#, false),
      (#"{"matchLabels":{"a":"1"},"matchExpressions":[{"key":"x","operator":"Exists"}]}"#, false),
      (#"{"matchExpressions":[{"key":"a","operator":"Like","values":["1"]}]}"#, false),
    ])
  func selector(text: String, isMatch: Bool) throws {
    var json = JSONReader(Array(text.utf8))
    let selector = try #require(try LabelSelector.read(&json))
    #expect(selector.matches(["a": "1", "b": "2"]) == isMatch)
  }

  @Test(
    "keys and values of labels are what the API server takes",
    arguments: [
      ("a", true), ("a.b/c_d", true), ("example.org/name", true), ("", false), ("/a", false), ("a/", false),
      ("a/b/c", false), ("-a", false), ("a-", false), ("a b", false), ("A/b", false), ("ö", false),
    ])
  func labelKeys(text: String, isKey: Bool) {
    #expect(LabelSyntax.isKey(text) == isKey)
  }

  @Test("the name of a replica keeps its digits in 63 characters, and is a name")
  func names() {
    for name in [
      "p", String(repeating: "x", count: 63), String(repeating: "a.", count: 60) + "b",
      "abc-" + String(repeating: "-", count: 30) + "e",
    ] {
      let text = ReplicaClaim.name(of: name, (0x1, 0xABCD))
      #expect(text.hasSuffix("-0000000000000001000000000000abcd") && text.utf8.count <= 63, "\(text)")
      #expect(ClusterNames.isObjectName(text), "\(text)")
    }
  }

  @Test("a replica's claim is the template's, but for what a replica has of its own")
  func claim() throws {
    let pool = try makePool(
      good.merged(with: [
        "template": [
          "metadata": [
            "annotations": [
              "n": "1", "volume.kubernetes.io/selected-node": "evil",
              "volume.kubernetes.io/storage-provisioner": "evil", "pvpool.puppet.com/replica.phase": "Available",
            ]
          ],
          "spec": [
            "storageClassName": "", "volumeName": "v", "selector": [:], "volumeMode": "Block", "accessModes": [],
          ],
        ]
      ]))
    let claim = ReplicaClaim("pool-1", of: pool, node: nil, attempt: 3)
    let expected: JSONValue = [
      "accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "50Mi"]], "volumeMode": "Block",
    ]
    #expect(claim.spec.isSame(as: expected))
    #expect(
      claim.metadata.annotations
        == ["n": "1", "pvpool.puppet.com/replica.phase": "Initializing", "pvpool.puppet.com/replica.attempt": "3"])
    #expect(claim.metadata.labels == ["a": "b", "c": "d"])
    #expect(claim.metadata.controller?.uid == "uid-of-the-pool")
    let placed = ReplicaClaim("pool-1", of: pool, node: "n1", attempt: 1)
    #expect(placed.metadata.annotations["volume.kubernetes.io/selected-node"] == "n1")
    #expect(placed.metadata.annotations["pvpool.puppet.com/replica.attempt"] == nil)
  }

  @Test("an init job has the replica as its volume, our limits, and the rest of its template; two jobs share nothing")
  func initJob() throws {
    let template: JSONValue = [
      "metadata": ["labels": ["l": "1"]],
      "spec": [
        "activeDeadlineSeconds": 100, "backoffLimit": 3, "suspend": true, "ttlSecondsAfterFinished": 1,
        "parallelism": 2,
        "template": [
          "spec": [
            "volumes": [["name": "w", "emptyDir": [:]], ["name": "o", "emptyDir": [:]]],
            "containers": [["name": "c", "image": "i"]],
          ]
        ],
      ],
    ]
    let pool = try makePool(
      good.merged(with: [
        "initJob": ["template": template, "volumeName": "w"], "placement": ["nodeSelector": ["disk": "ssd"]],
      ]))
    for name in ["one", "two"] {
      let job = InitJobPlan.job(for: replica(name).claim, of: pool, isPlaced: false)
      #expect(job.spec["template", "spec", "volumes"]?.elements?.count == 2)
      #expect(
        job.spec["template", "spec", "volumes"]?.elements?.last
          == ["name": "w", "persistentVolumeClaim": ["claimName": .string(name)]])
      #expect(job.spec["activeDeadlineSeconds"] == 100 && job.spec["backoffLimit"] == 3 && job.spec["parallelism"] == 2)
      #expect(job.spec["suspend"] == nil && job.spec["ttlSecondsAfterFinished"] == nil)
      #expect(job.spec["template", "spec", "restartPolicy"] == "Never")
      #expect(job.spec["template", "spec", "nodeSelector", "disk"] == "ssd")
      #expect(job.metadata.name == name && job.metadata.labels["l"] == "1")
      #expect(job.metadata.ownerReferences.map(\.uid) == ["uid-\(name)"])
      #expect(KnownJob(job).pool == ObjectKey(namespace: "x", name: "pool"))
    }
    let idle = InitJobPlan.job(for: replica("r").claim, of: try makePool(good), isPlaced: true)
    #expect(idle.spec["activeDeadlineSeconds"] == 300 && idle.spec["backoffLimit"] == 10)
    #expect(idle.spec["template", "spec", "volumes"]?.elements?.first?["name"] == "workspace")
    #expect(idle.spec["template", "spec", "nodeSelector"] == nil)
    let greedy = InitJobPlan.spec(
      ["activeDeadlineSeconds": 9999, "backoffLimit": 99], volume: "w", claim: "c", nodeSelector: [:])
    #expect(greedy["activeDeadlineSeconds"] == 300 && greedy["backoffLimit"] == 10)
  }

  @Test(
    "the pause after a failed job is 10 s, doubles, and is never more than an hour",
    arguments: [(0, 10), (1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (1000, 3600)])
  func pause(attempt: Int, seconds: Int) {
    #expect(JobBackoff.pause(afterAttempt: attempt) == .seconds(seconds))
  }
}

/// A replica by hand.
func replica(
  _ name: String, phase: String = "Bound", ready: Bool = false, isGoing: Bool = false, created: Int64 = 0,
  attempt: Int = 1, node: String? = nil, job: KnownJob? = nil, isTaken: Bool = false, isPrepared: Bool = true,
  needsJob: Bool = false, needsNode: Bool = false
) -> Replica {
  var claim = PersistentVolumeClaim(
    metadata: ObjectMeta(
      name: name, namespace: "x", uid: "uid-\(name)", resourceVersion: "1",
      ownerReferences: [
        OwnerReference(
          apiVersion: Pool.resource.apiVersion, kind: "Pool", name: "pool", uid: "uid-of-the-pool", isController: true)
      ]))
  claim.metadata.creationTimestamp = Timestamp(seconds: 1_700_000_000 + created)
  claim.metadata.deletionTimestamp = isGoing ? Timestamp(seconds: 1_700_000_000) : nil
  claim.metadata.annotations[PoolNames.phaseAnnotation] = (ready ? ReplicaPhase.available : .initializing).rawValue
  claim.metadata.annotations[PoolNames.attemptAnnotation] = attempt > 1 ? "\(attempt)" : nil
  claim.metadata.annotations[PersistentVolumeClaim.selectedNodeAnnotation] = node
  claim.phase = phase
  claim.volumeName = phase == "Pending" ? "" : "pvc-uid-\(name)"
  guard let known = PoolClaim(claim) else { preconditionFailure("it is a pool's") }
  return Replica(
    claim: known, job: job, isTaken: isTaken, isPrepared: isPrepared, needsJob: needsJob, needsNode: needsNode)
}

/// The job of a replica by hand.
func job(of name: String, owner: String? = nil, _ end: String? = nil, at seconds: Int64 = 0) -> KnownJob {
  var job = InitJob()
  job.metadata = ObjectMeta(
    name: name, namespace: "x", uid: "uid-of-job-\(name)",
    ownerReferences: [
      OwnerReference(
        apiVersion: "v1", kind: "PersistentVolumeClaim", name: name, uid: owner ?? "uid-\(name)", isController: true)
    ])
  job.metadata.creationTimestamp = Timestamp(seconds: 1_700_000_000)
  if let end {
    var condition = Condition(type: end, status: "True")
    condition.reason = "BackoffLimitExceeded"
    condition.lastTransitionTime = Timestamp(seconds: 1_700_000_000 + seconds)
    job.conditions = [condition]
  }
  return KnownJob(job)
}
