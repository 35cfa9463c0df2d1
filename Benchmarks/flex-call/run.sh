#!/bin/sh
# Compares the flex client with a static C program that does the same exchanges.
#
# Usage: run.sh [--pairs N]
#
#   --pairs N  runs of each program per exchange; default 1000
#
# BUILD names the directory of a release build (.build unless told), ELASTIC_LOCAL_CLIENT a client instead.
# Needs a C compiler and strip; counts system calls where strace is there. Fails when a ratio or the size is over its limit.
set -eu

limit=1.25
size_limit=1048576
pairs=1000
while [ $# -gt 0 ]; do
  case $1 in
    --pairs) pairs=${2:?--pairs wants a number}; shift ;;
    *) sed -n '/^# Usage/,/^set /{/^#/s/^# \{0,1\}//p;}' "$0" >&2; exit 2 ;;
  esac
  shift
done

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
daemon=
clean_up() {
  [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

cd "$here/../.."
ELASTIC_LOCAL_CLIENT=${ELASTIC_LOCAL_CLIENT:-${BUILD:-.build}/release/elastic-local}
[ -x "$ELASTIC_LOCAL_CLIENT" ] || { echo "no $ELASTIC_LOCAL_CLIENT: run make build, or make bench" >&2; exit 2; }
compiler=$(command -v "${CC:-gcc}" || command -v clang) || { echo "there is no C compiler" >&2; exit 2; }
for program in flex_call flex_daemon flex_time; do
  "$compiler" -std=gnu11 -O2 -Wall -Wextra -Werror -static -o "$work/$program" "$here/$program.c"
done
cp "$ELASTIC_LOCAL_CLIENT" "$work/elastic-local"
strip "$work/flex_call" "$work/elastic-local"

export ELASTIC_LOCAL_SOCKET="$work/socket"
mkfifo "$work/ready"
"$work/flex_daemon" "$ELASTIC_LOCAL_SOCKET" >"$work/ready" &
daemon=$!
read -r _ <"$work/ready"

verdict=0
judge() { # value limit
  if awk "BEGIN { exit !($1 <= $2) }"; then printf 'PASS\n'; else printf 'FAIL\n'; verdict=1; fi
}

calls() { # program argument...
  command -v strace >/dev/null || { echo "-"; return; }
  strace -f -o "$work/trace" "$@" >/dev/null
  grep -c '(' "$work/trace"
}

compare() { # name argument...
  name=$1
  shift
  ours=$(calls "$work/elastic-local" "$@")
  theirs=$(calls "$work/flex_call" "$@")
  # shellcheck disable=SC2046 # three figures
  set -- $("$work/flex_time" "$pairs" "$work/flex_call" "$work/elastic-local" "$@")
  printf '%-10s %10s %10s %12s %12s %8s  ' "$name" "$ours" "$theirs" "$2" "$1" "$3"
  judge "$3" "$limit"
}

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p)
printf 'machine: %s, %s CPUs, Linux %s, %s\n' "${model:-$(uname -m)}" "$(nproc)" "$(uname -r)" "$(date -u +%Y-%m-%d)"
size=$(wc -c <"$work/elastic-local")
printf 'stripped size in bytes: elastic-local %s, C %s (limit %s): ' "$size" "$(wc -c <"$work/flex_call")" "$size_limit"
judge "$size" "$size_limit"
printf '%s runs each; medians in microseconds; limit of the ratio %s\n' "$pairs" "$limit"
printf '%-10s %10s %10s %12s %12s %8s\n' exchange "syscalls" "in C" "elastic-local" "C" ratio
compare init init
compare mount mount /var/lib/kubelet/pods/11111111-2222-3333-4444-555555555555/volumes/volumes.k8s.elastic.co~elastic-local/pvc-1 \
  '{"kubernetes.io/fsType":"ext4","kubernetes.io/pod.name":"p","kubernetes.io/pod.namespace":"default","kubernetes.io/pod.uid":"11111111-2222-3333-4444-555555555555","kubernetes.io/pvOrVolumeName":"pvc-1","kubernetes.io/readwrite":"rw","kubernetes.io/serviceAccount.name":"default","size":"1073741824"}'

[ "$verdict" = 0 ]
