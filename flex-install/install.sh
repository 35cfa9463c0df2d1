#!/bin/sh
# Installs the elastic-local FlexVolume client into the kubelet's plugin directory, or removes it.
#
# Usage: install.sh [options]
#
#   --plugin-dir DIR  the kubelet's plugin directory (FLEX_PLUGIN_DIR); `auto` takes what --detect finds.
#                     Default: /usr/libexec/kubernetes/kubelet-plugins/volume/exec
#   --attach          install the variant whose volumes are attached first (FLEX_ATTACH=true)
#   --source DIR      where elastic-local and elastic-local-attach are (FLEX_SOURCE). Default: beside this script
#   --host-root DIR   where the host's root directory is to be seen, in a container (FLEX_HOST_ROOT). Default: none.
#                     Only --detect and `auto` look there; `auto` installs below it
#   --touch           install again even if nothing differs, so that a kubelet that has lost the driver probes it
#   --detect          print the plugin directory that `auto` would take, and why, and change nothing
#   --uninstall       remove the client. Only when no pod on the node uses a volume: without it none can be unmounted
#   --help            print this
#
# What is installed appears whole or not at all, also when the client is running or the power fails: it is written
# under a name that the kubelet ignores, checked by running it, synced and renamed. A client that is already there and
# identical is left untouched, since every change makes the kubelet probe again.
#
# Exit code: 0 done, 1 refused or failed (one line on standard error says why), 2 wrong usage.
set -eu
umask 022

readonly driver=elastic-local
readonly vendor_driver="volumes.k8s.elastic.co~$driver"
readonly default_plugin_dir=/usr/libexec/kubernetes/kubelet-plugins/volume/exec

# Where distributions put the plugin directory, in the order of how much an existing one tells: the kubelet's own
# default comes last, since packages create it also where a distribution moved it.
readonly known_plugin_dirs="
/etc/kubernetes/kubelet-plugins/volume/exec
/home/kubernetes/flexvolume
/var/lib/kubelet/volumeplugins
/var/lib/kubelet/volume-plugins
$default_plugin_dir
"

say() { printf '%s\n' "install: $*"; }
warn() { printf '%s\n' "install: $*" >&2; }
fail() { warn "$*"; exit 1; }
usage() { sed -n '/^# Usage/,/^set /{/^#/s/^# \{0,1\}//p;}' "$0"; }
misused() { warn "$*; see --help"; exit 2; }

# --- detection: nothing below changes anything --------------------------------------------------------------------

origin_of() {
  case $1 in
    /etc/kubernetes/*) echo "OpenShift 4" ;;
    /home/kubernetes/*) echo "Container-Optimized OS, GKE" ;;
    /var/lib/kubelet/volumeplugins | /var/lib/kubelet/volume-plugins) echo "hosts with a read-only /usr" ;;
    *) echo "the kubelet's default" ;;
  esac
}

# The arguments of the running kubelet, one a line; fails when no process is one. hyperkube has the name second.
kubelet_arguments() {
  for process in "$host_root"/proc/[0-9]*; do
    arguments=$(tr '\0' '\n' <"$process/cmdline" 2>/dev/null) || continue
    first=$(printf '%s\n' "$arguments" | sed -n 1p)
    second=$(printf '%s\n' "$arguments" | sed -n 2p)
    case ${first##*/}:$second in
      kubelet:* | hyperkube:kubelet) printf '%s\n' "$arguments"; return 0 ;;
    esac
  done
  return 1
}

# The value of flag $1 among arguments on standard input, as --flag=value or --flag value. The last one counts.
flag_value() {
  awk -v flag="--$1" '
    wanted { value = $0; wanted = 0; next }
    $0 == flag { wanted = 1; next }
    index($0, flag "=") == 1 { value = substr($0, length(flag) + 2) }
    END { print value }'
}

# The value of volumePluginDir in the kubelet configuration $1, YAML or JSON; empty when there is none.
configured_dir() {
  [ -r "$1" ] || return 0
  sed -n 's/^.*"\{0,1\}volumePluginDir"\{0,1\}[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}#]*\).*$/\1/p' "$1" |
    sed "s/^'//; s/'\{0,1\}[[:space:]]*\$//" | tail -n 1
}

# Sets chosen and reason. Sets doubtful when it is no more than likely.
detect() {
  doubtful=
  if arguments=$(kubelet_arguments); then
    detect_from_kubelet
  else
    detect_from_files
  fi
}

detect_from_kubelet() {
  chosen=$(printf '%s\n' "$arguments" | flag_value volume-plugin-dir)
  if [ -n "$chosen" ]; then
    reason="--volume-plugin-dir of the running kubelet"
    return
  fi
  config=$(printf '%s\n' "$arguments" | flag_value config)
  [ -z "$config" ] || chosen=$(configured_dir "$host_root$config")
  if [ -n "$chosen" ]; then
    reason="volumePluginDir in $config, which the running kubelet was given"
    return
  fi
  chosen=$default_plugin_dir
  reason="the running kubelet sets no other than its default"
  if [ -n "$config" ] && [ ! -r "$host_root$config" ]; then
    doubtful="the kubelet's configuration $config cannot be read from here"
  fi
}

detect_from_files() {
  config=/var/lib/kubelet/config.yaml
  chosen=$(configured_dir "$host_root$config")
  if [ -n "$chosen" ]; then
    reason="volumePluginDir in $config"
    return
  fi
  found=
  for candidate in $known_plugin_dirs; do
    [ -d "$host_root$candidate" ] || continue
    [ -n "$chosen" ] || chosen=$candidate
    found="$found $candidate"
  done
  if [ -z "$chosen" ]; then
    chosen=$default_plugin_dir
    reason="the kubelet's default"
    doubtful="no kubelet is to be seen here, and none of the known directories"
    return
  fi
  reason="it exists ($(origin_of "$chosen"))"
  [ "$found" = " $chosen" ] || doubtful="no kubelet is to be seen here, and several directories exist:$found"
}

print_detected() {
  detect
  warn "$chosen: $reason"
  [ -z "$doubtful" ] || warn "not certain: $doubtful"
  printf '%s\n' "$chosen"
}

resolve_auto() {
  detect
  [ -z "$doubtful" ] || fail "cannot tell the plugin directory: $doubtful; give --plugin-dir"
  say "plugin directory $chosen: $reason"
  plugin_dir=$host_root$chosen
}

# --- installation -------------------------------------------------------------------------------------------------

expected_init() {
  printf '%s' "{\"status\":\"Success\",\"capabilities\":{\"attach\":$attach,\"fsGroup\":true,\"selinuxRelabel\":true,"
  printf '%s\n' '"supportsMetrics":true,"requiresFSResize":true}}'
}

# Runs $1 as the kubelet does and compares; $2 is what to call it.
require_working() {
  if ! answer=$("$1" init 2>&1 </dev/null); then
    fail "$2 $1 cannot be run: is the file system mounted noexec, or the client made for another architecture? $answer"
  fi
  [ "$answer" = "$(expected_init)" ] || fail "$2 $1 is not this version's client: init printed $answer"
}

require_plain_directories() {
  # The kubelet neither watches nor scans what a link leads to.
  [ ! -L "$driver_dir" ] || fail "$driver_dir is a symbolic link, which the kubelet does not follow; remove it"
  if [ -e "$driver_dir" ] && [ ! -d "$driver_dir" ]; then
    fail "$driver_dir is in the way: a directory was expected"
  fi
  [ ! -L "$plugin_dir" ] || warn "$plugin_dir is a symbolic link: the kubelet may not notice changes below it"
}

require_replaceable() {
  for file in "$installed" "$draft"; do
    if [ -L "$file" ] || { [ -e "$file" ] && [ ! -f "$file" ]; }; then
      fail "$file is in the way: it is no plain file; remove it"
    fi
  done
}

# Leaves no draft behind, and no empty driver directory either: an older kubelet that finds one without an executable
# drops what it found of all other drivers.
clean_up() {
  rm -f "$draft"
  rmdir "$driver_dir" 2>/dev/null || :
}

make_plugin_directory() {
  [ ! -d "$plugin_dir" ] || return 0
  mkdir -p "$plugin_dir" || fail "cannot create $plugin_dir: is the file system read-only? try --detect"
  say "created $plugin_dir: the kubelet had not, so make sure that it is the directory in use"
}

# Two installers at once (a rolling update) would rename each other's drafts. Held until this process ends.
lock_plugin_directory() {
  command -v flock >/dev/null || return 0
  exec 9<"$plugin_dir"
  flock 9 || fail "cannot lock $plugin_dir"
}

# Only under the lock, since it cleans up what may be another installer's.
make_driver_directory() {
  trap clean_up EXIT
  trap 'exit 1' HUP INT TERM
  [ -d "$driver_dir" ] || mkdir "$driver_dir" || fail "cannot create $driver_dir: is the file system read-only?"
  [ -w "$driver_dir" ] || fail "$driver_dir cannot be written: is the file system read-only? is this root?"
}

is_current() {
  [ -f "$installed" ] && cmp -s "$source_file" "$installed" || return 1
  case $(ls -ld "$installed") in
    -rwxr-xr-x*) ;;
    *) return 1 ;;
  esac
}

# Older sync programs take no argument and flush everything, which is right too, only slower.
flush() { sync "$1" 2>/dev/null || sync; }

install_client() {
  source_file=$source_dir/$driver
  [ "$attach" = false ] || source_file=$source_file-attach
  [ -f "$source_file" ] || fail "$source_file does not exist: give --source"
  [ -x "$source_file" ] || fail "$source_file is not executable"
  require_working "$source_file" "the client to install,"
  make_plugin_directory
  lock_plugin_directory
  require_plain_directories
  require_replaceable
  make_driver_directory
  if is_current && [ "$touch" = no ]; then
    require_working "$installed" "the installed client,"
    say "$installed is up to date (attach: $attach)"
    return
  fi
  replace_client
  say "installed $installed (attach: $attach)"
}

replace_client() {
  # Removed first: a draft left behind by a crash may have any mode and may even be running.
  rm -f "$draft"
  cp "$source_file" "$draft" || fail "cannot write $draft: is the file system full?"
  chmod 0755 "$draft"
  require_working "$draft" "the new client,"
  flush "$draft"
  mv -f "$draft" "$installed" || fail "cannot rename $draft to $installed"
  flush "$driver_dir"
  require_working "$installed" "the installed client,"
}

uninstall_client() {
  [ ! -d "$plugin_dir" ] || lock_plugin_directory
  require_plain_directories
  if [ ! -d "$driver_dir" ]; then
    say "$driver_dir does not exist: nothing to remove"
    return
  fi
  require_replaceable
  rm -f "$draft" "$installed" || fail "cannot remove $installed: is the file system read-only?"
  rmdir "$driver_dir" || fail "cannot remove $driver_dir: it holds files that are not ours"
  say "removed $driver_dir"
}

# --- command line -------------------------------------------------------------------------------------------------

plugin_dir=${FLEX_PLUGIN_DIR:-$default_plugin_dir}
attach=${FLEX_ATTACH:-false}
source_dir=${FLEX_SOURCE:-$(dirname "$0")}
host_root=${FLEX_HOST_ROOT:-}
touch=no
action=install

while [ $# -gt 0 ]; do
  case $1 in
    --plugin-dir | --source | --host-root) [ -n "${2:-}" ] || misused "$1 wants a directory" ;;
  esac
  case $1 in
    --plugin-dir) plugin_dir=$2; shift ;;
    --plugin-dir=?*) plugin_dir=${1#*=} ;;
    --source) source_dir=$2; shift ;;
    --source=?*) source_dir=${1#*=} ;;
    --host-root) host_root=$2; shift ;;
    --host-root=?*) host_root=${1#*=} ;;
    --attach) attach=true ;;
    --touch) touch=yes ;;
    --detect) action=detect ;;
    --uninstall) action=uninstall ;;
    --help | -h) usage; exit 0 ;;
    *) misused "unknown argument \"$1\"" ;;
  esac
  shift
done
case $attach in
  true | false) ;;
  *) misused "FLEX_ATTACH is \"$attach\", true or false was expected" ;;
esac

if [ "$action" = detect ]; then
  print_detected
  exit 0
fi
[ "$plugin_dir" != auto ] || resolve_auto
plugin_dir=${plugin_dir%/}
case $plugin_dir in
  /*) ;;
  *) fail "plugin directory \"$plugin_dir\" is not an absolute path" ;;
esac
driver_dir=$plugin_dir/$vendor_driver
installed=$driver_dir/$driver
draft=$driver_dir/.$driver
case $action in
  install) install_client ;;
  uninstall) uninstall_client ;;
esac
