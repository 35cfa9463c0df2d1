import CommandLineTool
import Controllers
import KubernetesAPI
import StorageModel
import Testing

@Suite("Settings of the API server")
struct SettingTests {
  /// The settings of a program beside those of the API server.
  private enum Own: String, Setting {
    case color

    var standard: String? { "red" }
    var valueName: String { "COLOR" }
    var help: String { "which" }
  }

  private func values(
    _ words: [String], _ environment: [String: String] = [:]
  ) throws(VolumeError) -> (own: SettingValues<Own>, api: SettingValues<APISetting>) {
    (
      try SettingValues<Own>(words, environment: environment, command: "sample", beside: APISetting.self),
      try SettingValues<APISetting>(words, environment: environment, command: "sample", beside: Own.self)
    )
  }

  @Test("a program's own settings and those of the API server stand side by side, flags before the environment")
  func sideBySide() throws {
    let (own, api) = try values(
      ["--server", "https://a", "--color=blue", "--token-file", "/t"],
      ["ELASTIC_LOCAL_SERVER": "https://b", "ELASTIC_LOCAL_CERTIFICATE_AUTHORITY": "/ca"])
    #expect(own.required(.color) == "blue")
    let connection = try api.connection(environment: [:])
    #expect(connection == ConnectionConfiguration(server: "https://a", authority: .file("/ca"), token: .file("/t")))
  }

  @Test("a flag that is neither is refused, and the refusal names both kinds")
  func unknown() throws {
    let error = #expect(throws: VolumeError.self) { try values(["--colour", "x"]) }
    #expect(error?.code == .invalid)
    #expect(error?.message.contains("--client-key, --color, --kubeconfig") == true)
  }

  @Test("a server is named by a flag, or by the environment of a pod; half of the settings are refused")
  func naming() throws {
    #expect(try !values([]).api.namesServer(environment: [:]))
    #expect(try values([]).api.namesServer(environment: ["KUBERNETES_SERVICE_HOST": "10.0.0.1"]))
    #expect(try values(["--kubeconfig", "/k"]).api.namesServer(environment: [:]))
    let error = #expect(throws: VolumeError.self) {
      try values(["--token-file", "/t"]).api.connection(environment: [:])
    }
    #expect(error?.code == .invalid && error?.message.hasPrefix("API server: ") == true)
  }
}
