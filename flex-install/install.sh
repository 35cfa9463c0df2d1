#!/bin/sh
# Installs the elastic-local FlexVolume client into the kubelet's plugin directory, or removes it.
#
# Usage: install.sh [options]
#
#   --plugin-dir DIR  the kubelet's plugin directory (FLEX_PLUGIN_DIR), or the name of a distribution that --help
#                     lists below, or `auto` for what --detect finds.
#                     Default: /usr/libexec/kubernetes/kubelet-plugins/volume/exec
#   --attach          install the variant whose volumes are attached first (FLEX_ATTACH=true)
#   --source DIR      where elastic-local and elastic-local-attach are (FLEX_SOURCE). Default: beside this script
#   --host-root DIR   where the host's root directory is to be seen, in a container (FLEX_HOST_ROOT). Default: none.
#                     `auto` and the names look and install below it; a DIR is taken as it is
#   --touch           install again even if nothing differs, so that a kubelet that has lost the driver probes it
#   --detect          print the plugin directory that `auto` would take, and why, and change nothing
#   --uninstall       remove the client; refused while a volume is mounted, which could not be unmounted without it
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
readonly slashed_driver="volumes.k8s.elastic.co/$driver"
# shellcheck source-path=SCRIPTDIR source=plugin-directory.sh
. "$(dirname "$0")/plugin-directory.sh"

say() { printf '%s\n' "install: $*"; }
warn() { printf '%s\n' "install: $*" >&2; }
fail() { warn "$*"; exit 1; }
usage() {
  sed -n '/^# Usage/,/^set /{/^#/s/^# \{0,1\}//p;}' "$0"
  printf '\nNames for --plugin-dir:\n%s\n' "$layouts" | awk 'NF == 2 { printf "  %-17s ", $1; $1 = "" } { print }'
}
misused() { warn "$*; see --help"; exit 2; }

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

resolve_plugin_dir() {
  case $plugin_dir in
    /*) ;;
    auto) resolve_auto ;;
    *)
      named=$(layout_dir "$plugin_dir") ||
        fail "plugin directory \"$plugin_dir\" is neither an absolute path nor auto nor one of: $(layout_names)"
      plugin_dir=$host_root$named
      ;;
  esac
  plugin_dir=${plugin_dir%/}
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
  rm -rf "$stage"
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
clean_up_at_the_end() {
  trap clean_up EXIT
  trap 'exit 1' HUP INT TERM
  rm -rf "$stage" || fail "cannot remove $stage: is the file system read-only? is this root?"
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
  clean_up_at_the_end
  if [ ! -d "$driver_dir" ]; then
    add_client
  else
    update_client
  fi
}

# The directory appears with the client in it. A kubelet that sees one without asks it for its capabilities all the
# same, at each look for any plugin, and fails: more than a hundred warnings in the time it takes to copy a file.
add_client() {
  mkdir "$stage" || fail "cannot create $stage: is the file system read-only?"
  write_client "$stage/$driver"
  flush "$stage"
  mv "$stage" "$driver_dir" || fail "cannot rename $stage to $driver_dir"
  flush "$plugin_dir"
  require_working "$installed" "the installed client,"
  say "installed $installed (attach: $attach)"
}

update_client() {
  [ -w "$driver_dir" ] || fail "$driver_dir cannot be written: is the file system read-only? is this root?"
  if is_current && [ "$touch" = no ]; then
    require_working "$installed" "the installed client,"
    say "$installed is up to date (attach: $attach)"
    return
  fi
  replace_client
  say "installed $installed (attach: $attach)"
}

write_client() { # FILE
  cp "$source_file" "$1" || fail "cannot write $1: is the file system full?"
  chmod 0755 "$1"
  require_working "$1" "the new client,"
  flush "$1"
}

replace_client() {
  # Removed first: a draft left behind by a crash may have any mode and may even be running.
  rm -f "$draft"
  write_client "$draft"
  mv -f "$draft" "$installed" || fail "cannot rename $draft to $installed"
  flush "$driver_dir"
  require_working "$installed" "the installed client,"
}

# Directories where kubelet has our volumes mounted, as the host's first process sees them.
mounted_volumes() {
  for table in "$host_root/proc/1/mountinfo" /proc/1/mountinfo /proc/self/mountinfo; do
    [ ! -r "$table" ] || break
  done
  awk -v pods="/volumes/$vendor_driver/" -v devices="/plugins/kubernetes.io/flexvolume/$slashed_driver/mounts/" '
    index($5, pods) || index($5, devices) { print $5 }' "$table"
}

require_unused() {
  mounted=$(mounted_volumes) || fail "cannot tell whether volumes are mounted: no /proc/1/mountinfo"
  [ -z "$mounted" ] || fail "$(printf '%s\n' "$mounted" | wc -l | tr -d ' ') of our volumes are mounted on this" \
    "node, the first at $(printf '%s\n' "$mounted" | sed -n 1p): move their pods away first"
}

uninstall_client() {
  require_unused
  [ ! -d "$plugin_dir" ] || lock_plugin_directory
  require_plain_directories
  if [ ! -d "$driver_dir" ]; then
    say "$driver_dir does not exist: nothing to remove"
    return
  fi
  require_replaceable
  rm -rf "$stage" || fail "cannot remove $stage: is the file system read-only?"
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
resolve_plugin_dir
driver_dir=$plugin_dir/$vendor_driver
installed=$driver_dir/$driver
draft=$driver_dir/.$driver
# A new driver directory before it has its name. The kubelet ignores it.
stage=$plugin_dir/.$vendor_driver
case $action in
  install) install_client ;;
  uninstall) uninstall_client ;;
esac
