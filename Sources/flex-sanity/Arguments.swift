import VolumeHost

/// The parsed command line.
struct Arguments {
  var driver = ""
  var settings = SanitySettings()
  var isJSON = false
  var isList = false
  var isHelp = false

  init(_ words: [String]) throws(UsageError) {
    var words = words[...]
    while let word = words.popFirst() {
      switch word {
      case "--json": isJSON = true
      case "--list": isList = true
      case "--help", "-h": isHelp = true
      case "--ephemeral": settings.isEphemeral = true
      case _ where word.hasPrefix("--"): try setValue(word, words.popFirst())
      default:
        guard driver.isEmpty else { throw UsageError("one driver at a time: \"\(word)\"") }
        driver = word
      }
    }
  }

  private mutating func setValue(_ word: String, _ value: String?) throws(UsageError) {
    guard let value else { throw UsageError("\(word) needs a value") }
    switch word {
    case "--kubernetes-version":
      guard let version = KubernetesVersion(value) else { throw UsageError("version \"\(value)\" is not 1.6 to 1.36") }
      settings.version = version
    case "--root": settings.root = value
    case "--fs-type": settings.fsType = value
    case "--filter":
      guard SanityCase.all.contains(where: { $0.name.contains(value) }) else {
        throw UsageError("no case's name contains \"\(value)\"")
      }
      settings.filter = value
    case "--node": settings.node = value
    case "--option":
      let (key, value) = try Self.option(value)
      settings.options[key] = value
    case "--vary": settings.variations.append(try Self.option(value))
    case "--timeout":
      guard let seconds = Int(value), seconds > 0 else {
        throw UsageError("timeout \"\(value)\" is no number of seconds")
      }
      settings.limit = .seconds(seconds)
    case "--grow-to":
      guard let bytes = Int64(value), bytes > 0 else { throw UsageError("size \"\(value)\" is no number of bytes") }
      settings.grownSize = bytes
    default: throw UsageError("unknown option \(word)")
    }
  }

  private static func option(_ text: String) throws(UsageError) -> (key: String, value: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw UsageError("option \"\(text)\" is not KEY=VALUE")
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }
}

/// A command line that is not valid.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

extension Arguments {
  static let help = """
    usage: flex-sanity [OPTION]... DRIVER_PATH

    Examines a FlexVolume driver's executable: makes the calls that kubelet and controller-manager make, and says what
    would become of pods where an answer is wrong. Needs root.

      --kubernetes-version 1.N  whose calls are made: 1.6 to 1.36, usually 1.36
      --root DIR                an existing directory to work in as the kubelet's root, instead of a directory in /tmp
      --option KEY=VALUE        an option of every volume; may be repeated
      --vary KEY=VALUE          an option with which a volume that exists is mounted again; may be repeated
      --fs-type TYPE            the file system that volumes ask for
      --grow-to BYTES           a size that volumes can be grown to
      --ephemeral               volumes keep nothing when no pod uses them
      --node NAME               the node's name, for attach and detach
      --timeout SECONDS         a call that takes longer has failed, usually 120
      --filter TEXT             only cases whose name contains TEXT
      --json                    one JSON object instead of lines
      --list                    the cases, without running any

    The exit code is 0 when nothing failed, 1 when something did, 2 when the command line is wrong.

    """
}
