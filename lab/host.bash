# shellcheck shell=bash disable=SC2154  # the variables are those of `run`, which sources this file
# This machine's own kernel: disks are loop devices over sparse files. The command gets mount and process namespaces of
# its own, so that nothing it mounts or starts is left behind, and an LVM configuration that accepts its disks only.
# Unlike on a kernel of its own, other files it writes are written, and device mapper names are shared with the machine.

devices=() readers=() child=''

# Mounts and processes are gone with their namespaces; what is left is below them.
release_disks() {
  local groups name device
  mapfile -t groups < <(pvs --noheadings -o vg_name "${devices[@]}" | sed 's/ //g; /^$/d' | sort -u)
  while read -r name _; do
    [[ $name != lab-* ]] || dmsetup remove --retry "$name" || true
  done < <(dmsetup ls)
  for name in ${groups[@]+"${groups[@]}"}; do
    vgchange -qq -an "$name" || { sleep 1 && vgchange -qq -an "$name"; } || true
  done
  for device in "${devices[@]}"; do losetup -d "$device" || true; done
}

clean_up() {
  trap '' HUP INT TERM
  exec 2>/dev/null
  [ -z "$child" ] || { kill -KILL "-$child" && wait "$child"; } || true
  [ ${#devices[@]} -eq 0 ] || release_disks >/dev/null
  rm -rf "$scratch"
}

attach_disks() {
  local index device
  for index in "${!disks[@]}"; do
    make_disk "${disks[index]}" "disk$index"
    device=$(losetup --find --show "$image") || fail 125 "--host: no loop device for $image"
    devices+=("$device")
  done
}

# The directories that tests use as a node does are empty ones, which go with the command.
command_script() {
  local directory
  echo "export PATH=$(quote "$PATH:/usr/local/sbin:/usr/sbin:/sbin") HOME=/root USER=root LC_ALL=C.UTF-8"
  echo "export LVM_SYSTEM_DIR=$(quote "$LVM_SYSTEM_DIR")"
  exported_environment
  echo "export LAB_KIND=host LAB_DISKS=$(quote "${devices[*]}")"
  for directory in /mnt /run/elastic-local /var/lib/elastic-local /var/lib/kubelet; do
    echo "[ ! -d $directory ] || mount -t tmpfs -o mode=0755 lab $directory || exit 125"
  done
  # What is mounted propagates within the namespace, as on a node, and not out of it.
  echo 'mount --make-rshared / || exit 125'
  # Not with exec: the first process of a namespace ignores signals that others die of.
  printf '%s\nexit\n' "$(quote "${command[@]}")"
}

start_readers() {
  exec {out}> >(pass_on)
  readers+=($!)
  if same_output; then
    exec {err}>&"$out"
  else
    exec {err}> >(pass_on >&2)
    readers+=($!)
  fi
}

# Ends the command when it has printed nothing for too long, and itself when `alive` is closed.
guard_command() { # PID
  trap '' HUP INT TERM
  await_silence || return 0
  : >"$scratch/timeout"
  kill -KILL "$1" 2>/dev/null || true
}

run_command() {
  local result=0 LVM_SYSTEM_DIR=$scratch/lvm
  export LVM_SYSTEM_DIR
  mkdir "$scratch/lvm"
  attach_disks
  lvm_configuration "$scratch/lvm" ${devices[@]+"${devices[@]/%/\$}"} >"$scratch/lvm/lvm.conf"
  command_script >"$scratch/command"
  start_readers
  # A session, and so a process group, of its own: see clean_up.
  setsid unshare --mount --propagation slave --pid --fork --kill-child --mount-proc \
    /bin/sh "$scratch/command" </dev/null >&"$out" 2>&"$err" &
  child=$!
  exec {out}>&- {err}>&-
  exec {alive}> >(guard_command "$child" >/dev/null 2>&1)
  guard=$!
  wait "$child" 2>/dev/null || result=$?
  child=''
  exec {alive}>&-
  wait "$guard" || true
  wait "${readers[@]}" || true
  [ ! -e "$scratch/timeout" ] || fail 124 "stopped: the command has printed nothing for $time_limit s"
  exit "$result"
}
