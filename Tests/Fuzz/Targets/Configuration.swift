internal import CommandLineTool
@testable internal import KubernetesAPI
internal import StorageModel

extension FuzzTarget {
  /// A kubeconfig: settings that name a server, or a refusal.
  static let kubeconfig = FuzzTarget("kubeconfig", maximumLength: 1024) { bytes throws(Violation) in
    let configuration: ConnectionConfiguration
    do throws(TransportError) {
      configuration = try Kubeconfig(bytes, directory: "/etc/kubernetes").configuration(context: nil)
    } catch {
      try hold(error.kind == .credentials, "refused as \(error.kind)")
      return try holdOneLine(error.message)
    }
    try checkConfiguration(configuration)
  }

  private static func checkConfiguration(_ configuration: ConnectionConfiguration) throws(Violation) {
    do throws(TransportError) { try configuration.validate() } catch { return try holdOneLine(error.message) }
    try hold(
      !configuration.server.hasSuffix("/") && configuration.server.hasPrefix("http"), "server \(configuration.server)")
    for source in [configuration.authority, configuration.certificate, configuration.key, configuration.token] {
      if case .file(let path) = source { try hold(path.hasPrefix("/"), "a relative path: \(path)") }
    }
    guard case .inline = configuration.token else { return }
    let token = try mustSucceed("the token") {
      try ConnectionConfiguration(server: "", token: configuration.token).credentials().token
    }
    try hold(token?.isVisibleASCII == true, "a token that would break the header")
  }
}

/// Settings of a program made for this.
private enum Sample: String, Setting {
  case seconds, ratio, path, word
  var standard: String? { nil }
  var valueName: String { "VALUE" }
  var help: String { "" }
}

private enum Word: String, CaseIterable { case one, two }

extension FuzzTarget {
  /// Flags of our programs, one a line: values are in range, or refused with the flag's name.
  static let settings = FuzzTarget("settings", maximumLength: 128) { bytes throws(Violation) in
    let words = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    let found: String?
    do throws(VolumeError) {
      found = try broken(try SettingValues<Sample>(words.map(String.init), environment: [:], command: "sample"))
    } catch {
      try hold(error.code == .invalid, "refused as \(error.code)")
      return try holdOneLine(error.message)
    }
    try hold(found == nil, found ?? "")
  }

  /// What was accepted and should not have been; nil when nothing was.
  private static func broken(_ values: SettingValues<Sample>) throws(VolumeError) -> String? {
    if values[.seconds] != nil {
      let seconds = try values.seconds(.seconds, 0.001...86_400)
      if seconds < .milliseconds(1) || seconds > .seconds(86_400) { return "\(seconds)" }
    }
    if values[.ratio] != nil, !(1...10).contains(try values.number(.ratio, 1...10)) { return "a ratio" }
    if values[.word] != nil { _ = try values.word(.word, Word.allCases) }
    guard values[.path] != nil else { return nil }
    let path = try values.path(.path)
    let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
    let isPlain = components.allSatisfy { part in
      !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
    }
    return path.utf8.first == UInt8(ascii: "/") && isPlain && !components.isEmpty ? nil : "path \(path)"
  }
}
