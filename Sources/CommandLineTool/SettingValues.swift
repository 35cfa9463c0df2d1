package import StorageModel

/// The values of a command's settings. Flags override the environment, and the environment overrides the defaults. An
/// empty variable counts as unset.
package struct SettingValues<Name: Setting>: Sendable {
  private var values: [Name: String] = [:]

  /// Reads flags and environment.
  ///
  /// - Parameter command: the command whose help an error names.
  /// - Throws: `invalid` for a flag that the command does not have, or one without a value.
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

  /// The given value. Nil if there is none.
  package subscript(setting: Name) -> String? { values[setting] }

  /// Returns the given value or the default.
  package func required(_ setting: Name) -> String { values[setting] ?? setting.standard ?? "" }

  /// Returns the error for a value that is not `wanted`.
  package func refusal(_ setting: Name, _ wanted: String) -> VolumeError {
    VolumeError(
      .invalid,
      "--\(setting.rawValue) (\(setting.environmentName)) is \(quoted(required(setting))), which is not \(wanted)")
  }

  /// Returns the value as one of a few words.
  ///
  /// - Throws: `invalid` for any other word.
  package func word<Word: RawRepresentable<String>>(
    _ setting: Name, _ all: [Word]
  ) throws(VolumeError) -> Word {
    if let word = Word(rawValue: required(setting)) { return word }
    throw refusal(setting, "one of \(all.map(\.rawValue).joined(separator: ", "))")
  }

  /// Returns the value as the name of a Kubernetes object, which becomes part of a path.
  ///
  /// - Throws: `invalid` if the value is no DNS subdomain of RFC 1123.
  package func objectName(_ setting: Name) throws(VolumeError) -> String {
    let text = required(setting)
    guard ClusterNames.isObjectName(text) else { throw refusal(setting, "the name of a Kubernetes object") }
    return text
  }

  /// Runs `body` and puts the names of the flag and variable in front of its error.
  ///
  /// - Throws: the error of `body`.
  package func naming<Value>(
    _ setting: Name, _ body: () throws(VolumeError) -> Value
  ) throws(VolumeError) -> Value {
    do throws(VolumeError) {
      return try body()
    } catch {
      throw error.during("--\(setting.rawValue) (\(setting.environmentName))")
    }
  }

  /// Returns the value as an absolute path.
  ///
  /// - Throws: `invalid` if the path is relative or contains `//`, `.` or `..`.
  package func path(_ setting: Name) throws(VolumeError) -> String {
    let text = required(setting)
    // Compares bytes: to Swift a slash with a combining accent is another character, to the kernel it is a slash.
    let components = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
    guard text.utf8.first == UInt8(ascii: "/"),
      components.allSatisfy({ part in !part.isEmpty && ![".", ".."].contains { part.elementsEqual($0.utf8) } })
    else { throw refusal(setting, "an absolute path without //, . and ..") }
    return text
  }

  /// Returns the value as the absolute path of a directory, without trailing slashes.
  ///
  /// - Throws: `invalid` if the path is relative or contains `//`, `.` or `..`.
  package func directory(_ setting: Name) throws(VolumeError) -> String {
    var trimmed = self
    var bytes = Array(required(setting).utf8)
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    trimmed.values[setting] = String(decoding: bytes, as: UTF8.self)
    return try trimmed.path(setting)
  }

  /// Returns the value as a number.
  ///
  /// - Throws: `invalid` if the value is no number or outside the range.
  package func number(_ setting: Name, _ range: ClosedRange<Double>) throws(VolumeError) -> Double {
    guard let number = Double(required(setting)), range.contains(number) else {
      throw refusal(setting, "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Returns the value, a number of seconds, as a duration.
  ///
  /// - Throws: `invalid` if the value is no number or outside the range.
  package func seconds(_ setting: Name, _ range: ClosedRange<Double>) throws(VolumeError) -> Duration {
    .milliseconds(Int64(try number(setting, range) * 1000))
  }
}
