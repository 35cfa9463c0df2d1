# shellcheck shell=bash disable=SC2034  # variables are results, for the scripts that source this
# What the benchmarks share: the machine's line, verdicts, medians, and a daemon to measure. For bash; sourced.
#
# Time is read from EPOCHREALTIME and files with `read`, without processes: where these run they are slow to start.

readonly node=/mnt/bench
readonly driver=volumes.k8s.elastic.co~elastic-local
export ELASTIC_LOCAL_SOCKET=$node/run/socket
products=${ELASTIC_LOCAL_PRODUCTS-}
failures=0 daemon='' metrics_port=''
declare -A metric=()

give_up() { echo "not measured: $*" >&2; exit 2; }

quietly() { # COMMAND...: what it says is shown only if it fails
  local said
  said=$("$@" 2>&1) || give_up "$*: $said"
}

# --- figures --------------------------------------------------------------------------------------------------------

now() { now=${EPOCHREALTIME/[.,]/}; } # microseconds, into `now`

fork_cost() { # microseconds that starting a process and waiting for it takes, into `fork_cost`
  local began count
  now; began=$now
  for ((count = 0; count < 20; count++)); do /bin/true; done
  now; fork_cost=$(((now - began) / 20))
}

processor() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sed -n 1p; }

machine() {
  local model kind=${LAB_KIND:-none}
  model=${LAB_PROCESSOR-$(processor)} # a kernel of its own does not know it
  fork_cost
  printf 'machine: %s, %s processor(s), Linux %s, lab %s, LVM %s, %s\n' "${model:-$(uname -m)}" "$(nproc)" \
    "$(uname -r)" "$kind" "$(lvm version | sed -n 's/^ *LVM version: *\([^ ]*\).*/\1/p')" "$(date -u +%Y-%m-%d)"
  [ "$kind" != uml ] ||
    echo "note: one processor, a fork costs $(milliseconds "$fork_cost") ms: this exaggerates whatever forks"
}

median() { # NUMBER...
  local sorted
  mapfile -t sorted < <(printf '%s\n' "$@" | sort -n)
  echo $(((sorted[($# - 1) / 2] + sorted[$# / 2]) / 2))
}

milliseconds() { # MICROSECONDS
  printf '%d.%01d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; } # A B

# verdict TEXT VALUE LIMIT: VALUE is good up to LIMIT.
verdict() {
  local word=PASS
  if awk "BEGIN { exit !($2 > $3) }"; then word=FAIL failures=$((failures + 1)); fi
  printf '%s  %-66s %8s  limit %s\n' "$word" "$1" "$2" "$3"
}

# A missed target fails the benchmark, after all has been measured.
finish() { if [ "$failures" -gt 0 ]; then exit 1; fi; }

# --- the daemon -----------------------------------------------------------------------------------------------------

start_daemon() { # GROUP
  mkdir -p "$node/kubelet"
  "$products/elastic-local-node" serve --volume-group "$1" --kubelet-root "$node/kubelet" --state-dir "$node/state" \
    --node-name bench --reclaim-grace 0 --metrics-address 127.0.0.1:0 2>"$node/daemon.log" &
  daemon=$!
  local line=''
  until [[ $line =~ \ serving\ .*\ metrics=([0-9]+) ]]; do
    kill -0 "$daemon" 2>/dev/null || { cat "$node/daemon.log" >&2; give_up "the daemon ended"; }
    sleep 0.1
    while read -r line; do [[ $line != *" serving "* ]] || break; done <"$node/daemon.log"
  done
  metrics_port=${BASH_REMATCH[1]}
}

stop_daemon() {
  [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } || give_up "the daemon did not end well"
  daemon=''
}

kill_daemon() { [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true; }

# Reads /metrics into `metric`, by name and labels.
read_metrics() {
  local line
  metric=()
  exec 9<>"/dev/tcp/127.0.0.1/$metrics_port" || give_up "no metrics"
  printf 'GET /metrics HTTP/1.1\r\n\r\n' >&9
  while read -r line; do [[ ! $line =~ ^(elastic_[^\ ]+)\ (.*)$ ]] || metric[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}; done <&9
  exec 9>&-
  [ ${#metric[@]} -gt 0 ] || give_up "no metrics"
}

to_microseconds() { # SECONDS, as Swift prints a number, into `microseconds`
  case $1 in
    '') microseconds=0 ;;
    *e*) microseconds=$(awk "BEGIN { printf \"%d\", $1 * 1000000 }") ;;
    *)
      local whole=${1%.*} fraction=''
      [[ $1 != *.* ]] || fraction=${1#*.}
      fraction=${fraction}000000
      microseconds=$((whole * 1000000 + 10#${fraction:0:6}))
      ;;
  esac
}

# Seconds that the daemon has counted, into `microseconds`: of a PHASE, of calls of a VERB, of an engine's COMMAND.
phase() { to_microseconds "${metric["elastic_local_phase_seconds_sum{phase=\"$1\"}"]-}"; }
call_time() { to_microseconds "${metric["elastic_local_call_seconds_sum{verb=\"$1\"}"]-}"; }
engine_time() { to_microseconds "${metric["elastic_local_engine_command_seconds_total{command=\"$1\"}"]-}"; }

# Into `commands`, `reports` (those of the commands that only read) and `children`.
counts() {
  local key
  commands=0 reports=0
  for key in "${!metric[@]}"; do
    [[ $key = elastic_local_engine_commands_total* ]] || continue
    commands=$((commands + metric[$key]))
    [[ ! $key =~ \"(fullreport|lvs|vgs|pvs)\" ]] || reports=$((reports + metric[$key]))
  done
  children=${metric[elastic_local_child_processes_total]}
}

# A field of /proc/PID/status in KiB, into `kibibytes`.
memory() { # FIELD
  local name value
  kibibytes=0
  while read -r name value _; do [ "$name" != "$1:" ] || kibibytes=$value; done <"/proc/$daemon/status"
}

# --- kubelet --------------------------------------------------------------------------------------------------------

pod_directory() { # VOLUME: into `directory`, a different pod for every volume
  printf -v directory '%s/kubelet/pods/00000000-0000-4000-8000-%012d/volumes/%s/%s' "$node" "$((10#${1##*-}))" "$driver" "$1"
}

volume_options() { # VOLUME BYTES: into `options`
  options='{"kubernetes.io/fsType":"ext4","kubernetes.io/pvOrVolumeName":"'$1'","kubernetes.io/readwrite":"rw","sizeBytes":"'$2'"}'
}

# A call of the client, as kubelet makes it; its time goes into `elapsed`, microseconds.
call() {
  local began reply
  now; began=$now
  reply=$("$products/elastic-local" "$@") || give_up "$1 of the driver failed: $reply"
  now; elapsed=$((now - began))
}

mount_volume() { # VOLUME BYTES
  pod_directory "$1"
  volume_options "$1" "$2"
  [ -d "$directory" ] || mkdir -p "$directory"
  call mount "$directory" "$options"
}

unmount_volume() { # VOLUME
  pod_directory "$1"
  call unmount "$directory"
}

remove_volume() { "$products/elastic-local-node" remove "$1" >/dev/null || give_up "$1 can not be removed"; }

# --- outside the lab ------------------------------------------------------------------------------------------------

# run_in_lab SCRIPT LAB-OPTION...: runs SCRIPT again where there is a device mapper.
run_in_lab() {
  local script=$1
  shift
  ELASTIC_LOCAL_PRODUCTS=$(realpath "${BUILD:-.build}")/release
  export ELASTIC_LOCAL_PRODUCTS
  export LAB_PROCESSOR
  LAB_PROCESSOR=$(processor)
  [ -x "$ELASTIC_LOCAL_PRODUCTS/elastic-local-node" ] ||
    give_up "no build in $ELASTIC_LOCAL_PRODUCTS: run make build, or make bench"
  lab/run "$@" --env DURATION --env ROUNDS -- "$script" 2>&1
}
