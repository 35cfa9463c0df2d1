import VolumeHost

/// Shell drivers, good and faulty, for the tests of the examination.
enum FixtureDriver: String, CaseIterable {
  /// Meets all requirements. Each volume is a directory that is bound to the pod's.
  case good
  /// Meets all requirements, attaches, and leaves a pod's mount to the kubelet.
  case attaching
  /// Prints a log line before the reply.
  case chatty
  /// Replies `Not Supported`.
  case misspelling
  /// Hangs in unmount.
  case hanging
  /// Fails an unmount if nothing is mounted.
  case strict
  /// Writes a log beside the executable.
  case littering
  /// Replies `"capabilities": null`.
  case null
  /// Fails init.
  case unready
  /// Fails a mount if the volume is mounted.
  case impatient
  /// Returns Failure with exit code 0.
  case soft

  /// The script. Its volumes are in a directory.
  func script(keeping data: String) -> String {
    """
    data=\(data)
    \(prologue)
    answer() { printf '{"status":"%s"%s}\\n' "$1" "$2"; \(self == .soft ? ":" : "[ \"$1\" != Failure ]"); exit; }
    fail() { answer Failure ",\\"message\\":\\"$1\\""; }
    mounts() { awk -v d="$1" '$5 == d' /proc/self/mountinfo | wc -l; }
    bind() { # DIRECTORY OPTIONS
      [ -d "$1" ] || fail "no directory"
      exec 9>"$data/.lock"; flock 9
      name=$(printf '%s' "$2" | jq -er 'if type == "object" then ."kubernetes.io/pvOrVolumeName" else error end |
        select(type == "string" and test("^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$") and (length < 128))' 2>/dev/null) ||
        fail "no name"
      [ -n "$name" ] || fail "no name"
      [ "$(mounts "$1")" = 0 ] || answer Success
      mkdir -p "$data/$name" && mount --bind "$data/$name" "$1" 2>/dev/null || fail "cannot mount"
      case "$2" in *'readwrite":"ro"'*) mount -o remount,bind,ro "$1" || fail "cannot remount" ;; esac
      answer Success
    }
    unbind() {
      [ -n "$1" ] || fail "no directory"
      while [ "$(mounts "$1")" != 0 ]; do umount "$1" 2>/dev/null || fail "busy"; done
      answer Success
    }
    \(attachCommands)
    case "$1" in
    init) \(initialize) ;;
    mount)
      \(mount)
      bind "$2" "$3" ;;
    unmount)
      \(unmount)
      unbind "$2" ;;
    *) \(unsupported) ;;
    esac
    """
  }

  /// The attach commands. They come first in the script and replace two of the other commands.
  private var attachCommands: String {
    guard self == .attaching else { return "" }
    return """
      case "$1" in
      attach | waitforattach) answer Success ',"device":"/dev/null"' ;;
      isattached) answer Success ',"attached":true' ;;
      detach) answer Success ;;
      mountdevice) bind "$2" "$4" ;;
      unmountdevice) unbind "$2" ;;
      mount) [ -n "$3" ] || fail "no options"; printf '%s' "$3" | jq -e 'type == "object" and
        (."kubernetes.io/pvOrVolumeName" | type == "string")' >/dev/null 2>&1 || fail "bad options"
        answer "Not supported" ;;
      unmount) [ -n "$2" ] || fail "no directory"; answer "Not supported" ;;
      esac
      """
  }

  private var prologue: String {
    switch self {
    case .chatty: "echo \"called with $1\" >&2"
    case .littering: "echo \"$1\" >>\"${0%/*}/driver.log\""
    default: ":"
    }
  }

  private var initialize: String {
    switch self {
    case .unready: "fail 'no daemon'"
    case .null: #"answer Success ',"capabilities":null'"#
    case .attaching: #"answer Success ',"capabilities":{"requiresFSResize":false,"supportsMetrics":true}'"#
    default: #"answer Success ',"capabilities":{"attach":false,"requiresFSResize":false,"supportsMetrics":true}'"#
    }
  }

  private var mount: String { self == .impatient ? "[ \"$(mounts \"$2\")\" = 0 ] || fail 'already mounted'" : ":" }

  private var unmount: String {
    switch self {
    case .hanging: "sleep 3600"
    case .strict: "[ \"$(mounts \"$2\")\" != 0 ] || fail 'not mounted'"
    default: ":"
    }
  }

  private var unsupported: String { self == .misspelling ? #"answer "Not Supported""# : #"answer "Not supported""# }
}
