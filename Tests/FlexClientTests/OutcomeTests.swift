import Foundation
import Testing

/// How the client handles the daemon's reply.
@Suite("Outcomes")
struct OutcomeTests {
  @Test(
    "a valid reply is printed unchanged, and its status gives the exit code",
    arguments: [
      (#"{"status":"Success"}"#, 0), (#"{"status":"Not supported"}"#, 0),
      (#"{"status":"Failure","message":"no \"space\" é 😀"}"#, 1),
      (#"{ "device" : "/dev/d", "status" : "Success", "n": [1, {"status":"Failure"}] }"#, 0),
      (#"{"message":"status","status":"Failure"}"#, 1), (#"{"status":"\u0053uccess"}"#, 0),
      (#"{"st\u0061tus":"Success"}"#, 0), (#"{"status":"Success","statuses":"Failure"}"#, 0),
    ] as [(String, Int32)])
  func handedOn(reply: String, exitCode: Int32) async throws {
    for ending in ["\n", "", " \r\n", "\n\n"] {
      let (run, _) = try await exchange([.receive, .send(reply + ending)])
      #expect(run.text == reply + "\n")
      #expect(run.error.isEmpty)
      #expect(run.exitCode == exitCode)
    }
  }

  @Test(
    "an invalid reply becomes a Failure that says what was found",
    arguments: [
      ("empty line", "\n", "(1 bytes) cannot be used: it is not one JSON object, expected an object at byte 0"),
      ("words", "panic: x\n", "(9 bytes) cannot be used: it is not one JSON object, expected an object at byte 0"),
      (
        "cut off", #"{"status":"Succ"#,
        "(15 bytes, ended without a newline) cannot be used: it is not one JSON object, "
          + "expected the end of the string at byte 15"
      ),
      ("array", "[]\n", "expected an object at byte 0"),
      ("second object", #"{"status":"Success"}{}"# + "\n", "there are more bytes after its JSON object, at byte 20"),
      ("second line", #"{"status":"Success"}"# + "\n{}\n", "there are more bytes after its JSON object, at byte 21"),
      ("log line first", "warning\n{\"status\":\"Success\"}\n", "expected an object at byte 0"),
      ("several lines", "{\n\"status\":\"Success\"}\n", "expected a string at byte 1"),
      ("no status", "{}\n", "it has no status"),
      ("status within", #"{"a":{"status":"Success"}}"# + "\n", "it has no status"),
      ("other status", #"{"status":"success"}"# + "\n", "its status is none of Success, Failure and Not supported"),
      ("other spelling", #"{"status":"Not Supported"}"# + "\n", "its status is none of"),
      ("number", #"{"status":1}"# + "\n", "its status is none of"),
      ("two", #"{"status":"Failure","status":"Success"}"# + "\n", "it has more than one status"),
      ("two by case", #"{"status":"Failure","STATUS":"Success"}"# + "\n", "it has more than one status"),
      ("two by fold", #"{"status":"Failure","\u017ftatus":"Success"}"# + "\n", "it has more than one status"),
      ("capital alone", #"{"Status":"Success"}"# + "\n", "not spelled \\\"status\\\""),
    ])
  func refused(remark: String, reply: String, found: String) async throws {
    let (run, _) = try await exchange([.receive, .send(reply)])
    expectFailure(run, found, remark)
  }

  @Test("a missing reply becomes a Failure")
  func closedWithoutReply() async throws {
    for steps in [[], [.receive]] as [[DaemonStep]] {
      let (run, _) = try await exchange(steps)
      expectFailure(run, "the node daemon closed the connection without a reply", "closed at once, and after reading")
    }
  }

  @Test("bytes that are not UTF-8 are rejected")
  func notUTF8() async throws {
    let reply = Array(#"{"status":"Success","message":""#.utf8) + [0xFF] + Array("\"}\n".utf8)
    let (run, _) = try await exchange([.receive, .send(reply)])
    expectFailure(run, "expected well-formed UTF-8 at byte 31", "in a string")
  }

  @Test("a reply of 1 MiB is the largest")
  func largest() async throws {
    let frame = #"{"status":"Success","message":""}"#
    for (size, fits) in [(1 << 20, true), (1 << 20 + 1, false)] {
      let filler = String(repeating: "x", count: size - frame.utf8.count - 1)
      let reply = #"{"status":"Success","message":"\#(filler)"}"#
      let (run, _) = try await exchange([.receive, .send(reply + "\n")])
      if fits {
        #expect(run.text == reply + "\n")
        #expect(run.exitCode == 0)
      } else {
        expectFailure(run, "the node daemon's reply is larger than 1048576 bytes", "one byte more")
      }
    }
  }

  @Test("an endless reply is cut off")
  func endless() async throws {
    let (run, _) = try await exchange([.receive, .send([UInt8](repeating: 0x20, count: 8 << 20))])
    expectFailure(run, "the node daemon's reply is larger than 1048576 bytes", "8 MiB of white space")
  }

  @Test("a reply that comes in small pieces is complete at its end")
  func trickle() async throws {
    let reply = #"{"status":"Success","message":"slowly"}"# + "\n"
    let (run, _) = try await exchange([.receive, .trickle(Array(reply.utf8), milliseconds: 5), .hang])
    #expect(run.text == reply)
    #expect(run.exitCode == 0)
  }

  @Test("a reply that ends in a newline is enough: the connection may stay open")
  func openAfterReply() async throws {
    let (run, _) = try await exchange([.receive, .send("{\"status\":\"Success\"}\n"), .hang], timeout: "30")
    #expect(run.exitCode == 0)
    #expect(run.duration < .seconds(25))
  }

  @Test("a rejection sent before the whole request was read still arrives")
  func earlyRefusal() async throws {
    let arguments = [[UInt8]](repeating: [UInt8](repeating: UInt8(ascii: "x"), count: 120 << 10), count: 8)
    let reply = #"{"status":"Failure","message":"too large"}"# + "\n"
    let (run, _) = try await exchange([.send(reply)], [Array("mount".utf8)] + arguments)
    #expect(run.text == reply)
    #expect(run.exitCode == 1)
  }

  @Test("a closed standard output is exit code 1, and the reply does not go elsewhere")
  func closedOutput() async throws {
    let daemon = try ScriptedDaemon([.receive, .send("{\"status\":\"Success\"}\n"), .receive])
    let run = try await callClient([Array("mount".utf8)], socket: daemon.socket, closingStandardOutput: true)
    #expect(run.exitCode == 1)
    #expect(run.error.isEmpty)
    #expect(try await daemon.received() == Array("{\"version\":1,\"confirms\":true,\"arguments\":[\"mount\"]}\n".utf8))
  }

  @Test("an output without a reader is exit code 1, without a signal")
  func brokenPipe() async throws {
    let client = try BuiltClient.path()
    let script = #"{ sleep 0.3; "$0" init; echo "$?" >&2; } | true"#
    let run = try await run("/bin/bash", ["-c", script, client])
    #expect(String(decoding: run.error, as: UTF8.self) == "1\n")
  }
}

/// Expects a Failure of the client itself: one well-formed line, exit code 1, nothing on standard error.
func expectFailure(_ run: Run, _ found: String, _ remark: String, location: SourceLocation = #_sourceLocation) {
  #expect(run.exitCode == 1, "\(remark)", sourceLocation: location)
  #expect(run.error.isEmpty, "\(remark)", sourceLocation: location)
  #expect(run.text.contains(found), "\(remark): \(run.text)", sourceLocation: location)
  #expect(run.text.contains("check that the elastic-local node daemon runs on this node"), sourceLocation: location)
  #expect(run.text.contains("/socket\\\""), sourceLocation: location)
  let reply = run.output.withUnsafeBufferPointer { try? Reply(line: $0) }
  #expect(reply?.status == .failure, "\(remark)", sourceLocation: location)
  #expect(run.text.hasSuffix("}\n") && run.text.hasPrefix("{"), sourceLocation: location)
}
