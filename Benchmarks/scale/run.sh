#!/usr/bin/env bash
# What a large volume group costs: the daemon beside 0, 1,000 and 5,000 other logical volumes, which are metadata only
# (never activated), on a real device mapper in the lab. LVM reads and writes the metadata of all of them every time;
# what the daemon does itself must not depend on their number.
#
#   BUILD=DIRECTORY   where the build is, .build unless told
#   ROUNDS=6          volumes made, and reports, for each number
#   SIZES='0 1000'    other numbers
#
# Exit status: 0; 1 when a target is missed; 2 when something could not be measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source-path=SCRIPTDIR source=../common.bash
. Benchmarks/common.bash

readonly group=bench-scale small=8388608
readonly rounds=${ROUNDS:-6}
read -r -a sizes <<<"${SIZES:-0 1000 5000}"
readonly archive_limit=65 # files: retain_min, and the one being written
readonly growth_limit=1.25 # a known volume's mount beside the most against beside the fewest; above 1 is noise
# A create may grow by 1 % of what LVM grows by: one copy of the picture (0.07 us a volume), and caches that LVM's work
# has emptied.
readonly share_limit=1

# The daemon's own report, for a process of its own; see LVMCommand.picture.
readonly report=(lvm fullreport --reportformat json --units b --nosuffix
  --configreport vg -o "vg_name,vg_uuid,vg_seqno,vg_extent_size,vg_size,vg_free,vg_mda_size,vg_mda_free"
  --configreport pv -o "pv_name,pv_mda_used_count"
  --configreport lv -o "lv_name,lv_uuid,lv_size,lv_layout,lv_role,pool_lv,lv_time,lv_tags"
  --configreport seg -o seg_type -S seg_type=none --configreport pvseg -o pvseg_start -S pvseg_size=0)

# --- a group of any size, at once -----------------------------------------------------------------------------------

# Metadata with NUMBER copies of the volume "filler", each on an extent of its own, by way of a backup and vgcfgrestore:
# to make 5,000 volumes one by one takes minutes.
multiply() { # NUMBER < BACKUP
  awk -v number="$1" '
    function uuid(n) { return sprintf("BENCHx-0000-0000-0000-0000-0000-%06d", n) }
    /^\t\tfiller \{/ { inside = 1; text = "" }
    !inside { print; next }
    { text = text $0 "\n" }
    /^\t\t\}/ {
      inside = 0
      for (n = 1; n <= number; n++) {
        copy = text
        sub(/filler \{/, sprintf("pvc-00000000-0000-4000-8000-%012d {", n), copy)
        sub(/id = "[^"]*"/, "id = \"" uuid(n) "\"", copy)
        sub(/"pv0", [0-9]+/, "\"pv0\", " n - 1, copy)
        print copy
      }
    }'
}

fill_group() { # DISK NUMBER
  lab/volume-group "$group" "$1"
  [ "$2" -gt 0 ] || return 0
  # Tags as long as ours, and not ours: the daemon would activate them all.
  quietly lvcreate -y -an -Wn -Zn -l 1 -n filler --addtag bench --addtag bench/volume=pvc-00000000-0000-4000-8000-000000000000 \
    --addtag bench/claim=00000000-0000-4000-8000-000000000000 --addtag bench/creation=abcdefghijklmnop "$group"
  quietly vgcfgbackup -f "$node/backup" "$group"
  multiply "$2" <"$node/backup" >"$node/many"
  quietly vgcfgrestore -f "$node/many" "$group"
  [ "$(vgs --noheadings -o lv_count "$group" | tr -d ' ')" = "$2" ] || give_up "a group of $2 volumes could not be made"
}

# --- one number of volumes ------------------------------------------------------------------------------------------

timed() { # COMMAND...: its time into `elapsed`
  local began
  now; began=$now
  "$@" >/dev/null
  now; elapsed=$((now - began))
}

# What the daemon itself spent on calls of a VERB, in all: their time without that of LVM commands and of the phases
# that format and mount. Into `own`.
own_time() { # VERB
  local total name
  call_time "$1"; total=$microseconds
  if [ "$1" = mount ]; then
    for name in probe format stage publish; do phase "$name"; total=$((total - microseconds)); done
    engine_time lvcreate; total=$((total - microseconds))
  fi
  own=$total
}

fresh_volume() { # NUMBER
  local before_own before_create
  read_metrics; own_time mount; engine_time lvcreate
  before_own=$own before_create=$microseconds
  mount_volume "pvc-$1" "$small"
  read_metrics; own_time mount; engine_time lvcreate
  creates+=($((microseconds - before_create)))
  own_creates+=($((own - before_own)))
}

known_volume() { # NUMBER
  local before
  unmount_volume "pvc-$1"
  read_metrics; own_time mount; before=$own
  mount_volume "pvc-$1" "$small"
  read_metrics; own_time mount
  own_lookups+=($((own - before)))
}

# Somebody else has changed the group: what the daemon is asked next makes it read the group again.
read_again() {
  local before_own before_report
  read_metrics; call_time status; before_own=$microseconds
  engine_time fullreport; before_report=$microseconds
  quietly lvchange --addtag "bench$RANDOM" "$group/pvc-1"
  "$products/elastic-local-node" status >/dev/null
  read_metrics; engine_time fullreport
  reports_in+=($((microseconds - before_report)))
  before_own=$((before_own + microseconds - before_report))
  call_time status
  own_reports+=($((microseconds - before_own)))
}

forked() { # NUMBER
  timed lvcreate -y -Wy -Zy -n "forked-$1" -L 8m "$group"; forked_creates+=("$elapsed")
  timed lvcreate --config global/use_aio=0 -y -Wy -Zy -n "tuned-$1" -L 8m "$group"; tuned_creates+=("$elapsed")
  timed "${report[@]}" "$group"; forked_reports+=("$elapsed")
  timed "${report[@]}" --config global/use_aio=0 "$group"; tuned_reports+=("$elapsed")
}

measure_size() { # DISK NUMBER
  local creates=() reports_in=() own_creates=() own_lookups=() own_reports=()
  local forked_creates=() tuned_creates=() forked_reports=() tuned_reports=() round
  fill_group "$1" "$2"
  start_daemon "$group"
  mount_volume pvc-1 "$small" # the first call of a daemon is not like the others
  for ((round = 0; round < rounds; round++)); do
    read_again
    fresh_volume $((100 + round))
    known_volume 1
    forked "$round"
  done
  memory VmRSS
  report_size "$2"
}

report_size() { # NUMBER
  row "$1" "$(median "${creates[@]}")" "$(median "${forked_creates[@]}")" "$(median "${tuned_creates[@]}")" \
    "$(median "${reports_in[@]}")" "$(median "${forked_reports[@]}")" "$(median "${tuned_reports[@]}")" \
    "$(median "${own_creates[@]}")" "$(median "${own_lookups[@]}")" "$(median "${own_reports[@]}")" $((kibibytes * 1000 / 1024))
  own_of_create[$1]=$(median "${own_creates[@]}")
  own_of_lookup[$1]=$(median "${own_lookups[@]}")
  create_of[$1]=$(median "${creates[@]}") forked_create_of[$1]=$(median "${forked_creates[@]}")
}

row() { # NUMBER THOUSANDTHS...
  local figure
  printf '%8d' "$1"
  shift
  for figure in "$@"; do printf '%9s' "$(milliseconds "$figure")"; done
  echo
}

heading() {
  cat <<TEXT

medians of $rounds, in ms; volumes of 8 MiB are made, activated and wiped; a report is that of the daemon's picture
          |------- lvcreate -------||-------- report --------||-- the daemon's own --|  memory
  others  library   forked no aio  library   forked   no aio   create    known   report     MiB
TEXT
}

# --- archives -------------------------------------------------------------------------------------------------------

# With the smallest group, where a change takes no time: 80 more of them than volumes made.
archives() {
  local round files
  for ((round = 0; round < 40; round++)); do
    "$products/elastic-local-node" retain pvc-1 >/dev/null
    "$products/elastic-local-node" unretain pvc-1 >/dev/null
  done
  files=$(find "$node/state/lvm/archive" -type f | wc -l)
  archived=$files
}

# --- all of them ----------------------------------------------------------------------------------------------------

start_over() { # DISK
  local volume
  for volume in "$node"/kubelet/pods/*/volumes/"$driver"/*; do umount "$volume"; done
  stop_daemon
  umount "$node"/state/staging/*
  quietly vgremove -ff -y "$group"
  quietly pvremove -ff -y "$1"
}

measure() { # DISK
  local size archived first=${sizes[0]} last=${sizes[-1]}
  local -A own_of_create=() own_of_lookup=() create_of=() forked_create_of=()
  mkdir -p "$node"
  trap kill_daemon EXIT
  machine
  heading
  for size in "${sizes[@]}"; do
    [ -z "$daemon" ] || start_over "$1"
    measure_size "$1" "$size"
    [ "$size" != "$first" ] || archives
  done
  printf '\narchives of the daemon take %s KiB in the end\n' "$(du -sk "$node/state/lvm/archive" | cut -f 1)"
  verdict "archived files after $((rounds + 81)) changes of the first group" "$archived" "$archive_limit"
  verdict "own cost of a known volume's mount, beside $last against beside $first (ratio)" \
    "$(ratio "${own_of_lookup[$last]}" "${own_of_lookup[$first]}")" "$growth_limit"
  printf '      of a create: %s ms against %s ms; LVM itself: %s ms against %s ms\n' \
    "$(milliseconds "${own_of_create[$last]}")" "$(milliseconds "${own_of_create[$first]}")" \
    "$(milliseconds "${create_of[$last]}")" "$(milliseconds "${create_of[$first]}")"
  verdict "own cost of a create: its growth in % of LVM's growth" \
    "$(ratio "$((100 * (own_of_create[$last] - own_of_create[$first])))" "$((create_of[$last] - create_of[$first]))")" \
    "$share_limit"
  verdict "lvcreate in the daemon against forked, beside $last (ratio)" \
    "$(ratio "${create_of[$last]}" "${forked_create_of[$last]}")" 1.0
  stop_daemon
  finish
}

read -r -a disks <<<"${LAB_DISKS-}"
if [ ${#disks[@]} = 1 ]; then measure "${disks[@]}"; else run_in_lab Benchmarks/scale/run.sh -d 24G -t 1800 --env SIZES; fi
