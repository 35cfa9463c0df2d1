import Testing
import VolumeHost

@Suite("The outcome of a call")
struct OutcomeTests {
  struct Row: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let output: String
    let end: DriverProcess.End
    let error: String?

    init(_ remark: String, _ output: String, _ end: DriverProcess.End, _ error: String?) {
      (testDescription, self.output, self.end, self.error) = (remark, output, end, error)
    }
  }

  static let rows = [
    Row("success", #"{"status":"Success"}"#, .exited(0), nil),
    Row("white space around the reply", " \n\t{\"status\":\"Success\"}\r\n", .exited(0), nil),
    Row("unknown keys", #"{"status":"Success","extra":[1,{"a":null}]}"#, .exited(0), nil),
    Row("keys in another case", #"{"STATUS":"Success"}"#, .exited(0), nil),
    Row("null leaves a value alone", #"{"status":"Success","device":null}"#, .exited(0), nil),
    Row("the later of two counts", #"{"status":"Failure","Status":"Success"}"#, .exited(0), nil),
    Row(
      "failure with exit code 0", #"{"status":"Failure","message":"soft"}"#, .exited(0),
      "mount command failed, status: Failure, reason: soft"),
    Row(
      "failure with exit code 1", #"{"status":"Failure","message":"no server"}"#, .exited(1),
      "mount command failed, status: Failure, reason: no server"),
    Row(
      "deeper than anybody reads", String(repeating: "[", count: 100_000), .exited(0), "exceeded max depth"),
    Row("success with exit code 1", #"{"status":"Success"}"#, .exited(1), "exit status 1"),
    Row("success, then killed", #"{"status":"Success"}"#, .signalled(9), "signal: killed"),
    Row(
      "status in lower case", #"{"status":"success"}"#, .exited(0), "mount command failed, status: success, reason: "),
    Row(
      "the spelling of another program", #"{"status":"Not Supported"}"#, .exited(1),
      "mount command failed, status: Not Supported, reason: "),
    Row("no status", "{}", .exited(0), "mount command failed, status: , reason: "),
    Row("null", "null", .exited(0), "mount command failed, status: , reason: "),
    Row("nothing", "", .exited(0), "unexpected end of JSON input"),
    Row("nothing, killed", "", .signalled(9), "unexpected end of JSON input"),
    Row("not started", "", .notStarted("fork/exec /d: no such file or directory"), "unexpected end of JSON input"),
    Row(
      "a warning before the reply", "warning: x\n{\"status\":\"Success\"}", .exited(0),
      "invalid character 'w' looking for beginning of value"),
    Row(
      "a warning after the reply", "{\"status\":\"Success\"}\nwarning", .exited(0),
      "invalid character 'w' after top-level value"),
    Row(
      "two replies", "{\"status\":\"Success\"}\n{\"status\":\"Success\"}", .exited(0),
      "invalid character '{' after top-level value"),
    Row(
      "what echo -ne of a poor shell prints", "-ne {\"status\":\"Success\"}", .exited(0),
      "invalid character 'n' in numeric literal"),
    Row(
      "a byte order mark", "\u{feff}{}", .exited(0), "invalid character 'ï' looking for beginning of value"),
    Row("a quote that is not one", "'{}'", .exited(0), #"invalid character '\'' looking for beginning of value"#),
    Row("half a reply", #"{"status":"Succ"#, .exited(0), "unexpected end of JSON input"),
    Row("a line break in a string", "{\"status\":\"a\nb\"}", .exited(0), #"invalid character '\n' in string literal"#),
    Row("a bad escape", #"{"status":"\x"}"#, .exited(0), "invalid character 'x' in string escape code"),
    Row(
      "a bad number escape", #"{"status":"\u12g4"}"#, .exited(0),
      #"invalid character 'g' in \u hexadecimal character escape"#),
    Row(
      "a comma too many", #"{"status":"Success",}"#, .exited(0),
      "invalid character '}' looking for beginning of object key string"),
    Row("no colon", #"{"status" "Success"}"#, .exited(0), #"invalid character '"' after object key"#),
    Row("no comma", #"{"a":1 "b":2}"#, .exited(0), #"invalid character '"' after object key:value pair"#),
    Row("no comma in an array", #"{"a":[1 2]}"#, .exited(0), "invalid character '2' after array element"),
    Row("a word that ends early", "tru}", .exited(0), "invalid character '}' in literal true (expecting 'e')"),
    Row("a number with leading zero", "01", .exited(0), "invalid character '1' after top-level value"),
    Row(
      "an array", "[]", .exited(0),
      "json: cannot unmarshal array into Go value of type flexvolume.DriverStatus"),
    Row(
      "attached as text", #"{"status":"Success","attached":"true"}"#, .exited(0),
      "json: cannot unmarshal string into Go struct field DriverStatus.attached of type bool"),
    Row(
      "a size with a fraction", #"{"status":"Success","volumeNewSize":1.5}"#, .exited(0),
      "json: cannot unmarshal number 1.5 into Go struct field DriverStatus.volumeNewSize of type int64"),
    Row(
      "a capability as a number", #"{"status":"Success","capabilities":{"attach":0}}"#, .exited(0),
      "json: cannot unmarshal number into Go struct field DriverCapabilities.capabilities.attach of type bool"),
    Row("a time-out, whatever was said", #"{"status":"Success"}"#, .timedOut, "timeout"),
  ]

  @Test("Each row of the outcome table", arguments: rows)
  func outcomes(row: Row) {
    let outcome = DriverOutcome(of: .mount, DriverProcess(output: row.output, end: row.end))
    switch outcome {
    case .success: #expect(row.error == nil)
    case .failure(let error): #expect(error == row.error)
    case .notSupported: Issue.record("not supported")
    }
  }

  @Test(
    "'Not supported' is recognised with any exit code",
    arguments: [DriverProcess.End.exited(0), .exited(1), .signalled(15)])
  func notSupported(end: DriverProcess.End) {
    let process = DriverProcess(output: #"{"status":"Not supported"}"#, end: end)
    #expect(DriverOutcome(of: .mount, process) == .notSupported)
  }

  @Test("A reply's strings are decoded, including surrogate pairs and single surrogates")
  func strings() {
    let output = #"{"status":"Success","device":"\/dev\u002fa \ud83d\udc27 \ud83d \u0041"}"#
    guard case .success(let reply) = DriverOutcome(of: .attach, DriverProcess(output: output)) else {
      Issue.record("not a success")
      return
    }
    #expect(reply.device == "/dev/a 🐧 \u{fffd} A")
  }

  @Test("A command that was once not supported is not called again; other commands are")
  func remembered() async {
    let runner = ScriptedRunner { call in
      DriverProcess(
        output: call.command == .mount ? #"{"status":"Not supported"}"# : #"{"status":"Success"}"#, end: .exited(1))
    }
    let driver = FlexDriver(name: Sample.driver(), pluginDirectory: "/p", version: .newest, runner: runner)
    for _ in 0..<3 { #expect(await driver.perform(DriverCall(.mount)) == .notSupported) }
    for _ in 0..<2 { #expect(await driver.perform(DriverCall(.unmount)) == .failure("exit status 1")) }
    #expect(runner.commands == [.mount, .unmount, .unmount])
    #expect(driver.executable == "/p/example.org~bind/bind")
    #expect(driver.missingCommands == [.mount])
  }
}

@Suite("The capabilities of a driver")
struct CapabilityTests {
  private func capabilities(_ output: String, version: String = "1.36") async throws -> DriverCapabilities {
    let driver = FlexDriver(
      name: Sample.driver(), pluginDirectory: "/p", version: Sample.version(version), runner: ScriptedRunner(output))
    return try await driver.initialize()
  }

  @Test(
    "A missing capability has its default",
    arguments: [#"{"status":"Success"}"#, #"{"status":"Success","capabilities":{}}"#])
  func defaults(output: String) async throws {
    let found = try await capabilities(output)
    #expect(found.attach && found.selinuxRelabel && found.fsGroup && found.requiresFSResize && !found.supportsMetrics)
  }

  @Test("A given capability counts and does not change the others")
  func partial() async throws {
    let found = try await capabilities(#"{"status":"Success","capabilities":{"attach":false,"SupportsMetrics":true}}"#)
    #expect(!found.attach && found.supportsMetrics && found.fsGroup)
  }

  @Test("An older kubelet ignores later capabilities")
  func older() async throws {
    let output = #"{"status":"Success","capabilities":{"attach":false,"fsGroup":false,"selinuxRelabel":false}}"#
    let seven = try await capabilities(output, version: "1.7")
    #expect(seven.attach && seven.fsGroup && seven.selinuxRelabel)
    let twelve = try await capabilities(output, version: "1.12")
    #expect(!twelve.attach && twelve.fsGroup && !twelve.selinuxRelabel)
  }

  @Test("Capabilities that are null, failures and 'Not supported' do not load the plugin")
  func refused() async {
    for (output, reason) in [
      (
        #"{"status":"Success","capabilities":null}"#, #"init answered "capabilities": null, on which a kubelet crashes"#
      ),
      (#"{"status":"Failure","message":"x"}"#, "init command failed, status: Failure, reason: x"),
      (#"{"status":"Not supported"}"#, "Not supported"),
    ] {
      await #expect(throws: VolumeFailure.final(reason)) { try await capabilities(output) }
    }
  }
}
