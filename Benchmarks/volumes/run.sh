#!/usr/bin/env bash
# What volumes cost the node: a fresh one, a mount, doing nothing, memory. Real LVM on a real device mapper, in the lab.
#
#   BUILD=DIRECTORY   where the build is, .build unless told
#   ROUNDS=12         fresh volumes of each kind
#   DURATION=60       seconds of doing nothing
#
# Exit status: 0; 1 when a target is missed; 2 when something could not be measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source-path=SCRIPTDIR source=../common.bash
. Benchmarks/common.bash

readonly gibibyte=1073741824 small=8388608 ours=bench-ours bare=bench-bare
readonly rounds=${ROUNDS:-12} duration=${DURATION:-60}
readonly memory_limit=25 # MiB with 100 volumes
readonly wakeup_limit=120 # a minute; libdispatch, below Swift's tasks, looks at its threads once a second

# --- a fresh volume -------------------------------------------------------------------------------------------------

# What a script would do, with the options that the daemon uses and with none; arguments of mkfs.ext4, of lvcreate.
bare_sequence() { # VARIANT
  local began mkfs=() lvm=()
  case $1 in
    same) mkfs=(-q -F -m 0 -E nodiscard) ;;
    plain) mkfs=(-q -F) ;;
    tuned) mkfs=(-q -F -m 0 -E nodiscard) lvm=(--config 'global/use_aio=0') ;;
  esac
  mkdir -p "$node/mnt"
  now; began=$now
  lvcreate ${lvm[@]+"${lvm[@]}"} -y -Wy -Zy -n volume -L 1g "$bare" >/dev/null
  mkfs.ext4 "${mkfs[@]}" "/dev/$bare/volume" >/dev/null
  mount "/dev/$bare/volume" "$node/mnt"
  now; elapsed=$((now - began))
  umount "$node/mnt"
  quietly lvremove -y "$bare/volume"
}

daemon_sequence() { # NUMBER
  local volume=pvc-$1
  mount_volume "$volume" "$gibibyte"
  local mount_time=$elapsed
  unmount_volume "$volume"
  remove_volume "$volume"
  elapsed=$mount_time
}

# Interleaved and in turning order, so that what else happens on the machine meets all of them.
fresh_volumes() {
  local variants=(daemon same plain tuned) round turn variant
  declare -gA times=()
  daemon_sequence 1
  bare_sequence same
  for ((round = 0; round < rounds; round++)); do
    for ((turn = 0; turn < 4; turn++)); do
      variant=${variants[(round + turn) % 4]}
      if [ "$variant" = daemon ]; then daemon_sequence $((1000 + round)); else bare_sequence "$variant"; fi
      times[$variant]+=" $elapsed"
    done
  done
}

report_fresh_volumes() {
  local variant
  declare -A medians=()
  for variant in daemon same plain tuned; do
    # shellcheck disable=SC2086  # words are meant
    medians[$variant]=$(median ${times[$variant]})
  done
  printf '\nfresh 1 GiB ext4 volume: %s of each, in turn; medians of wall time\n' "$rounds"
  row "flex call mount (client, daemon, in-process LVM, mkfs, mounts)" "${medians[daemon]}"
  row "lvcreate + mkfs.ext4 -m 0 -E nodiscard + mount" "${medians[same]}"
  row "the same, lvcreate with global/use_aio=0" "${medians[tuned]}"
  row "lvcreate + mkfs.ext4 + mount" "${medians[plain]}"
  verdict "time against the bare sequence, same options (ratio)" "$(ratio "${medians[daemon]}" "${medians[same]}")" 1.0
}

row() { printf '  %-64s %8s ms\n' "$1" "$(milliseconds "$2")"; } # TEXT MICROSECONDS

# One volume alone between two looks at the counters.
count_fresh_volume() {
  local before_commands before_reports before_children name
  declare -A before=()
  read_metrics; counts
  before_commands=$commands before_reports=$reports before_children=$children
  for name in create probe format stage publish; do phase "$name"; before[$name]=$microseconds; done
  mount_volume pvc-2 "$gibibyte"
  read_metrics; counts
  printf '\nfresh volume, counted, the picture of the group being fresh; phases as the daemon measured them (1 run)\n'
  for name in create probe format stage publish; do
    phase "$name"
    row "$name" $((microseconds - before[$name]))
  done
  row "flex call" "$elapsed"
  verdict "LVM commands that change something" $((commands - before_commands - reports + before_reports)) 1
  verdict "LVM reports" $((reports - before_reports)) 0
  verdict "child processes" $((children - before_children)) 1
}

# --- a volume that exists -------------------------------------------------------------------------------------------

existing_volume() {
  local before_commands before_children before_time round all=()
  read_metrics; counts; call_time mount
  before_commands=$commands before_children=$children before_time=$microseconds
  for ((round = 0; round < rounds; round++)); do
    unmount_volume pvc-2
    mount_volume pvc-2 "$gibibyte"
    all+=("$elapsed")
  done
  read_metrics; counts; call_time mount
  printf '\nmount of an existing, active volume: %s times, unmounted before each\n' "$rounds"
  row "flex call mount, median" "$(median "${all[@]}")"
  row "of it in the daemon, mean" $(((microseconds - before_time) / rounds))
  verdict "LVM commands in all" $((commands - before_commands)) 0
  verdict "child processes in all" $((children - before_children)) 0
}

# --- idle -----------------------------------------------------------------------------------------------------------

# How often any thread of the daemon was put onto a processor, into `switches`.
context_switches() {
  local file name value
  switches=0
  for file in "/proc/$daemon/task/"*/status; do
    while read -r name value; do
      case $name in *voluntary_ctxt_switches:) switches=$((switches + value)) ;; esac
    done <"$file"
  done
}

processor_time() { # hundredths of a second, into `ticks`
  local fields
  read -r fields <"/proc/$daemon/stat"
  read -r -a fields <<<"${fields##*) }"
  ticks=$((fields[11] + fields[12]))
}

idle() {
  local before_commands before_switches before_ticks
  read_metrics; counts
  before_commands=$commands
  sleep 13 # threads that had work end 10 s later
  context_switches; processor_time
  before_switches=$switches before_ticks=$ticks
  sleep "$duration"
  context_switches; processor_time
  read_metrics; counts
  printf '\nidle for %s s with a volume mounted; processor time %s0 ms\n' "$duration" $((ticks - before_ticks))
  verdict "LVM commands" $((commands - before_commands)) 0
  verdict "context switches of all threads, a minute" $(((switches - before_switches) * 60 / duration)) "$wakeup_limit"
}

# --- memory ---------------------------------------------------------------------------------------------------------

show_memory() { # TEXT
  local field figures=()
  for field in VmRSS RssAnon RssFile RssShmem VmHWM Threads; do
    memory "$field"
    figures+=("$kibibytes")
  done
  printf '  %-44s %8d %8d %8d %8d %8d %8d\n' "$1" "${figures[@]}"
}

make_volumes() { # FROM TO
  local number
  for ((number = $1; number <= $2; number++)); do mount_volume "pvc-$((2000 + number))" "$small"; done
}

remount() { # TIMES
  local round
  for ((round = 0; round < $1; round++)); do
    unmount_volume pvc-2001
    mount_volume pvc-2001 "$small"
  done
}

ask() { # TIMES: what an operator and Prometheus ask for
  local round
  for ((round = 0; round < $1; round++)); do
    "$products/elastic-local-node" status >/dev/null
    read_metrics
  done
}

resident_memory() {
  printf '\nmemory of the daemon in KiB; volumes of 8 MiB, ext4, all of them mounted\n'
  printf '  %-44s %8s %8s %8s %8s %8s %8s\n' '' resident anon file shmem peak threads
  stop_daemon
  start_daemon "$ours"
  show_memory "started"
  make_volumes 1 1
  show_memory "1 volume"
  make_volumes 2 10
  show_memory "10 volumes"
  make_volumes 11 100
  show_memory "100 volumes"
  memory VmRSS
  verdict "resident MiB with 100 volumes" "$(ratio "$kibibytes" 1024)" "$memory_limit"
  remount 100
  show_memory "the same, after 100 unmounts and mounts"
  ask 20
  show_memory "the same, after 20 status and 20 metrics"
  memory VmRSS
  verdict "resident MiB after all that" "$(ratio "$kibibytes" 1024)" "$memory_limit"
}

measure() { # DISK DISK
  mkdir -p "$node"
  trap kill_daemon EXIT
  machine
  lab/volume-group "$ours" "$1"
  lab/volume-group "$bare" "$2"
  start_daemon "$ours"
  fresh_volumes
  report_fresh_volumes
  count_fresh_volume
  existing_volume
  idle
  resident_memory
  stop_daemon
  finish
}

read -r -a disks <<<"${LAB_DISKS-}"
if [ ${#disks[@]} = 2 ]; then measure "${disks[@]}"; else run_in_lab Benchmarks/volumes/run.sh -d 6G -d 6G -t 900; fi
