import JSON
import StorageModel
import TestSupport
import Testing

@Suite("JSON values of tests")
struct JSONTests {
  @Test("what is written is read as the same value")
  func roundTrip() throws {
    let value: JSONValue = [
      "null": .null, "true": true, "number": -7, "text": "a\"\\\n", "list": [1, [], [:], "x"],
      "object": ["deep": ["er": "ö"]],
    ]
    #expect(try JSONValue(parsing: value.encoded) == value)
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: Array("{} x".utf8)) }
    #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: Array("{".utf8)) }
  }

  @Test("members are found, set and removed at any depth")
  func members() {
    var value: JSONValue = ["a": ["b": "c"]]
    #expect(value["a", "b"]?.string == "c" && value["a", "x"] == nil && value["a", "b", "c"] == nil)
    value[["a", "n", "m"]] = 1
    value[["a", "b"]] = nil
    value[["none", "deeper"]] = nil
    #expect(value == ["a": ["n": ["m": 1]]])
    let mixed: JSONValue = ["b": 1, "a": ["d": 2, "c": [3, 4]]]
    #expect(mixed.isSame(as: ["a": ["c": [3, 4], "d": 2], "b": 1]))
    for other in [["a": ["c": [4, 3], "d": 2], "b": 1], ["a": ["c": [3, 4]], "b": 1], ["a": 2, "b": 1]] as [JSONValue] {
      #expect(!mixed.isSame(as: other) && !other.isSame(as: mixed))
    }
  }

  @Test(
    "merge patches, by the examples of RFC 7386",
    arguments: [
      (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
      (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
      (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
      (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
      (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
      (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"), (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
      (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
      (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
  func merge(original: String, patch: String, result: String) throws {
    let patched = try JSONValue(parsing: Array(original.utf8)).mergePatched(JSONValue(parsing: Array(patch.utf8)))
    #expect(String(decoding: patched.encoded, as: UTF8.self) == result)
  }

  @Test(
    "JSON patches, by the examples of RFC 6902; nil where it has to fail",
    arguments: [
      (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz","value":"qux"}]"#, #"{"foo":"bar","baz":"qux"}"#),
      (#"{"foo":["bar","baz"]}"#, #"[{"op":"add","path":"/foo/1","value":"qux"}]"#, #"{"foo":["bar","qux","baz"]}"#),
      (#"{"foo":["bar"]}"#, #"[{"op":"add","path":"/foo/-","value":["abc"]}]"#, #"{"foo":["bar",["abc"]]}"#),
      (#"{"baz":"qux","foo":"bar"}"#, #"[{"op":"remove","path":"/baz"}]"#, #"{"foo":"bar"}"#),
      (#"{"foo":["bar","qux","baz"]}"#, #"[{"op":"remove","path":"/foo/1"}]"#, #"{"foo":["bar","baz"]}"#),
      (#"{"baz":"qux"}"#, #"[{"op":"replace","path":"/baz","value":"boo"}]"#, #"{"baz":"boo"}"#),
      (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"qux"}]"#, #"{"baz":"qux"}"#),
      (#"{"baz":"qux"}"#, #"[{"op":"test","path":"/baz","value":"bar"}]"#, nil),
      (#"{"foo":"bar"}"#, #"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, nil),
      (#"{"/":9,"~1":10}"#, #"[{"op":"test","path":"/~01","value":10}]"#, #"{"/":9,"~1":10}"#),
      (#"{"a":1}"#, #"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#, nil),
      (#"{"a":1}"#, #"[{"op":"replace","path":"/b","value":1}]"#, nil),
    ] as [(String, String, String?)])
  func patch(original: String, patch: String, result: String?) throws {
    let value = try JSONValue(parsing: Array(original.utf8))
    let operations = try JSONValue(parsing: Array(patch.utf8))
    do throws(PatchFailure) {
      let patched = try value.patched(operations)
      #expect(String(decoding: patched.encoded, as: UTF8.self) == result)
    } catch {
      #expect(result == nil, "\(error)")
    }
  }
}
