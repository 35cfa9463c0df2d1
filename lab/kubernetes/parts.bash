# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# A part is one process with a name, such as apiserver or node1/kubelet, in a session and process group of its own.
# In $directory: commands/PART starts it, logs/PART.log has what it said, running/PART who it is: its process id, and
# when it started, which tells it from a later process of the same number.

# A clean environment and directory, as a service manager gives; a flex driver inherits kubelet's. The process writes
# down itself who it is, so that there is no moment in which it runs and is not recorded.
define_part() { # PART [VARIABLE=VALUE]... COMMAND...
  local part=$1
  shift
  mkdir -p "$directory"/{commands,logs,running}/"$(dirname "$part")"
  {
    echo '#!/bin/sh'
    echo 'cd /'
    printf 'cut -d " " -f 1,22 /proc/$$/stat >%q\n' "$directory/running/$part"
    printf 'exec env -i LANG=C.UTF-8 HOME=/root PATH=%q' "$debian/usr/sbin:$debian/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    printf ' %q' "$@"
    echo
  } >"$directory/commands/$part"
  chmod +x "$directory/commands/$part"
}

# ELASTIC_LOCAL_* as words VARIABLE=VALUE, one a line.
settings_of_ours() {
  local name
  for name in $(compgen -e ELASTIC_LOCAL_ || true); do printf '%s=%s\n' "$name" "${!name}"; done
}

run_own() { # NAME COMMAND...
  local name=$1 settings
  shift
  [[ $name =~ ^[a-z0-9-]+$ ]] || fail 2 "not a name: $name"
  mapfile -t settings < <(settings_of_ours)
  define_part "own/$name" ${settings[@]+"${settings[@]}"} "$@"
  start_part "own/$name"
}

start_time() { # PROCESS-ID
  local stat fields
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  # After the name, which may hold anything, the state is the first field and the start time the twentieth.
  read -r -a fields <<<"${stat##*) }"
  [ "${fields[0]}" != Z ] && printf '%s' "${fields[19]}"
}

# Prints the part's process id, or fails when it does not run.
part_process() { # PART
  local process began
  read -r process began 2>/dev/null <"$directory/running/$1" || return 1
  [ "$(start_time "$process")" = "$began" ] && printf '%s' "$process"
}

close_inherited() {
  local descriptor
  for descriptor in "/proc/$BASHPID/fd"/*; do
    descriptor=${descriptor##*/}
    [ "$descriptor" -le 2 ] || eval "exec $descriptor>&-"
  done
}

# Out of the control groups of whoever calls us: kubelet wants the same in all hierarchies, and the limits and the end
# of the caller's are not the cluster's. Needs root; without, it stays where it is.
leave_control_groups() {
  local hierarchy
  while read -r hierarchy; do
    echo "$BASHPID" 2>/dev/null >"$hierarchy/cgroup.procs" || true
  done < <(control_group_hierarchies)
}

control_group_hierarchies() { findmnt -rno TARGET -t cgroup,cgroup2 || true; }

start_part() { # PART
  local tries
  [ -x "$directory/commands/$1" ] || fail "no part '$1' in $directory (there are: $(known_parts | tr '\n' ' '))"
  part_process "$1" >/dev/null && return 0
  rm -f "$directory/running/$1"
  (
    close_inherited
    leave_control_groups
    exec setsid "$directory/commands/$1"
  ) </dev/null >>"$directory/logs/$1.log" 2>&1 &
  disown
  for tries in {1..500}; do
    [ ! -s "$directory/running/$1" ] || return 0
    sleep 0.02
  done
  tail -n 15 "$directory/logs/$1.log" >&2
  fail "$1 could not be started (waited $tries times); above is the end of its log"
}

# Ends the part and what it has started in its process group.
stop_part() { # PART
  local process tries
  process=$(part_process "$1") || { rm -f "$directory/running/$1" && return 0; }
  kill -TERM "$process" 2>/dev/null || true
  for tries in {1..150}; do
    part_process "$1" >/dev/null || break
    [ "$tries" != 150 ] || echo "lab/cluster: $1 did not end within 15 s" >&2
    sleep 0.1
  done
  kill -KILL "$process" 2>/dev/null || true
  kill -KILL -- "-$process" 2>/dev/null || true
  rm -f "$directory/running/$1"
}

# Its children live on, as they do under a service manager that ends only the process itself.
crash_part() { # PART
  local process
  process=$(part_process "$1") || fail "$1 does not run"
  kill -KILL "$process"
  while part_process "$1" >/dev/null; do sleep 0.02; done
}

# Waits until a command succeeds, as long as the part runs.
await_part() { # PART SECONDS COMMAND...
  local part=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! part_process "$part" >/dev/null; then
      tail -n 15 "$directory/logs/$part.log" >&2
      fail "$part ended; above is the end of its log"
    fi
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 15 "$directory/logs/$part.log" >&2
      fail "$part is not ready in time; above is the end of its log"
    fi
    sleep 0.1
  done
}

# Names of all parts that were defined, in the order in which they are to be started.
known_parts() {
  local part
  for part in etcd apiserver controller-manager scheduler; do
    [ ! -x "$directory/commands/$part" ] || echo "$part"
  done
  (cd "$directory/commands" && find . -mindepth 2 -type f | sed 's,^\./,,' | sort)
}

show_status() {
  local part process failed=0
  while read -r part; do
    if process=$(part_process "$part"); then
      printf '%-24s runs, process %s\n' "$part" "$process"
    elif [ -e "$directory/running/$part" ]; then
      printf '%-24s ENDED by itself\n' "$part" && failed=1
    else
      printf '%-24s stopped\n' "$part"
    fi
  done < <(known_parts)
  return "$failed"
}
