import VolumeHost

/// The parsed command line.
struct Arguments {
  var driver = ""
  var options = SanityOptions()
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
      case "--ephemeral": options.isEphemeral = true
      case _ where word.hasPrefix("--"): try setValue(word, words.popFirst())
      default:
        guard driver.isEmpty else { throw UsageError("only one driver can be given: \"\(word)\"") }
        driver = word
      }
    }
  }

  private mutating func setValue(_ word: String, _ value: String?) throws(UsageError) {
    guard let value else { throw UsageError("\(word) needs a value") }
    switch word {
    case "--kubernetes-version":
      guard let version = KubernetesVersion(value) else {
        throw UsageError("version \"\(value)\" is not in the range 1.6 to 1.36")
      }
      options.version = version
    case "--root": options.root = value
    case "--fs-type": options.fsType = value
    case "--filter":
      guard SanityCase.all.contains(where: { $0.name.contains(value) }) else {
        throw UsageError("no case has a name that contains \"\(value)\"")
      }
      options.filter = value
    case "--node": options.node = value
    case "--option":
      let (key, value) = try Self.option(value)
      options.options[key] = value
    case "--vary": options.variations.append(try Self.option(value))
    case "--timeout":
      guard let seconds = Int(value), seconds > 0 else {
        throw UsageError("timeout \"\(value)\" is not a positive number of seconds")
      }
      options.limit = .seconds(seconds)
    case "--grow-to":
      guard let bytes = Int64(value), bytes > 0 else {
        throw UsageError("size \"\(value)\" is not a positive number of bytes")
      }
      options.grownSize = bytes
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

    Examines the executable of a FlexVolume driver. It makes the calls of kubelet and controller-manager. For each wrong
    answer it says what happens to pods. Must run as root.

      --kubernetes-version 1.N  the release whose calls are made, 1.6 to 1.36 (default 1.36)
      --root DIR                an existing directory to use as the kubelet's root (default: a new one in /tmp)
      --option KEY=VALUE        an option of every volume; can be repeated
      --vary KEY=VALUE          an option with which an existing volume is mounted again; can be repeated
      --fs-type TYPE            the file system of the volumes
      --grow-to BYTES           a size to grow volumes to, in bytes
      --ephemeral               volumes keep no data when no pod uses them
      --node NAME               the node's name, for attach and detach
      --timeout SECONDS         the time after which a call fails, in seconds (default 120)
      --filter TEXT             run only cases whose name contains TEXT
      --json                    print one JSON object instead of lines
      --list                    list the cases and run none

    The exit code is 0 if no case failed, 1 if a case failed, 2 if the command line is wrong.

    """
}
