package import StorageModel

/// The values of a command's settings: flags first, then environment, then defaults. An empty variable counts as none.
package struct SettingValues<Name: Setting>: Sendable {
  private var values: [Name: String] = [:]

  /// - Parameter command: whose help an error points to.
  /// - Throws: `invalid` for a flag that the command does not have.
  package init(_ words: [String], environment: [String: String], command: String) throws(VolumeError) {
    try self.init(words, environment: environment, command: command, beside: Name.self)
  }

  /// The values of some of a command's settings.
  ///
  /// - Parameter others: the command's other settings, which are passed over here.
  package init<Others: Setting>(
    _ words: [String], environment: [String: String], command: String, beside others: Others.Type
  ) throws(VolumeError) {
    for setting in Name.allCases {
      let names = [setting.environmentName] + setting.formerNames
      values[setting] = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    let known = Set(Name.allCases.map(\.rawValue)).union(Others.allCases.map(\.rawValue))
    for (name, value) in try Flags.parse(words, known: known, of: "\(command) serve") {
      // Every other known flag is a setting of `others`.
      if let setting = Name(rawValue: name) { values[setting] = value }
    }
  }

  /// What was given; nil when nothing was.
  package subscript(setting: Name) -> String? { values[setting] }

  /// What was given, or the default.
  package func required(_ setting: Name) -> String { values[setting] ?? setting.standard ?? "" }

  /// The error for a value that is not `wanted`.
  package func refusal(_ setting: Name, _ wanted: String) -> VolumeError {
    VolumeError(
      .invalid,
      "--\(setting.rawValue) (\(setting.environmentName)) is \(quoted(required(setting))), which is not \(wanted)")
  }

  /// One of a few words.
  package func word<Word: RawRepresentable<String>>(
    _ setting: Name, _ all: [Word]
  ) throws(VolumeError) -> Word {
    if let word = Word(rawValue: required(setting)) { return word }
    throw refusal(setting, "one of \(all.map(\.rawValue).joined(separator: ", "))")
  }

  /// The name of a Kubernetes object, which becomes part of a path: a DNS subdomain of RFC 1123.
  package func objectName(_ setting: Name) throws(VolumeError) -> String {
    let text = required(setting)
    let labels = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
    let isName = labels.allSatisfy { label in
      label.first != 0x2D && label.last != 0x2D && !label.isEmpty
        && label.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }
    guard isName, text.utf8.count <= 253 else { throw refusal(setting, "a Kubernetes object's name") }
    return text
  }

  /// Puts flag and variable in front of what is wrong with a value.
  package func naming<Value>(
    _ setting: Name, _ body: () throws(VolumeError) -> Value
  ) throws(VolumeError) -> Value {
    do throws(VolumeError) {
      return try body()
    } catch {
      throw error.during("--\(setting.rawValue) (\(setting.environmentName))")
    }
  }

  /// An absolute path.
  package func path(_ setting: Name) throws(VolumeError) -> String {
    let text = required(setting)
    // By bytes: a slash with an accent over it is another character, and still a slash to the kernel.
    let components = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
    guard text.utf8.first == UInt8(ascii: "/"),
      components.allSatisfy({ part in !part.isEmpty && ![".", ".."].contains { part.elementsEqual($0.utf8) } })
    else { throw refusal(setting, "an absolute path without //, . and ..") }
    return text
  }

  /// An absolute path of a directory; slashes at its end mean nothing.
  package func directory(_ setting: Name) throws(VolumeError) -> String {
    var trimmed = self
    var bytes = Array(required(setting).utf8)
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    trimmed.values[setting] = String(decoding: bytes, as: UTF8.self)
    return try trimmed.path(setting)
  }

  package func number(_ setting: Name, _ range: ClosedRange<Double>) throws(VolumeError) -> Double {
    guard let number = Double(required(setting)), range.contains(number) else {
      throw refusal(setting, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  package func seconds(_ setting: Name, _ range: ClosedRange<Double>) throws(VolumeError) -> Duration {
    .milliseconds(Int64(try number(setting, range) * 1000))
  }
}
