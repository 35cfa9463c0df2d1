# shellcheck shell=bash disable=SC2154  # the variables are those of `run`, which sources this file
# A kernel of its own: user-mode-linux, over this machine's file tree. The kernel's side is `boot`.

readers=() guard='' alive=''

# The kernel's group ends when its guard does, and the guard when we do, however that comes about.
clean_up() {
  trap '' HUP INT TERM
  exec 2>/dev/null # the shell would report that the kernel was killed
  stop_guard
  if [ -n "$kernel_log" ] && [ -f "$scratch/log" ]; then cp "$scratch/log" "$kernel_log"; fi
  rm -rf "$scratch"
}

# The kernel makes a process group of its own; besides processes that die with it there are two helpers that do not.
kill_kernel() { kill -KILL "$1" "-$1" 2>/dev/null || true; }

# Reads what nobody writes: it ends when nothing was printed for too long, or when the last holder of the other end has
# closed it.
guard_kernel() { # PID
  trap '' HUP INT TERM
  if await_silence; then : >"$scratch/timeout"; fi
  kill_kernel "$1"
  # Neither the limit nor stop_guard: the shell was killed and cannot clean up itself.
  [ -e "$scratch/timeout" ] || [ -e "$scratch/ended" ] || rm -rf "$scratch"
}

start_guard() { # PID
  exec {alive}> >(guard_kernel "$1" >/dev/null 2>&1)
  guard=$!
}

stop_guard() {
  [ -n "$guard" ] || return 0
  : >"$scratch/ended"
  exec {alive}>&-
  wait "$guard" || true
  guard=''
}

find_uml() {
  if ! command -v linux.uml >/dev/null || ! PATH=$PATH:/usr/sbin:/sbin command -v insmod >/dev/null; then
    "$lab/dependencies" lab run >&2 || fail 125 "no kernel with a device mapper here"
  fi
  modules=/usr/lib/uml/modules/$(linux.uml --version)
  [ -f "$modules/modules.dep" ] || fail 125 "the modules of linux.uml are not in $modules"
}

# The kernel's memory is a sparse file that it maps executable. /dev/shm is the best place, but in containers it is
# often tiny or noexec; the kernel would then die in the middle of something.
memory_directory() {
  local directory=/dev/shm needed available options
  needed=$(numfmt --from=iec "${memory^^}" 2>/dev/null) || fail 2 "-m: not a size: $memory"
  options=$(findmnt -nro OPTIONS --target "$directory" 2>/dev/null) || options=noexec
  available=$(df --output=avail -B1 "$directory" 2>/dev/null | tail -n 1)
  if [[ ,$options, = *,noexec,* ]] || [ ! -w "$directory" ] || [ "${available:-0}" -lt "$needed" ]; then
    directory=$scratch
  fi
  printf '%s' "$directory"
}

# What `boot` copies into the memory file system it starts with: upper/ is laid over this machine's files, dev/ goes
# into /dev, out and err carry COMMAND's output.
prepare_files() {
  local tree=$scratch/tree library=usr/lib
  [ -L /lib ] || library=lib
  mkdir -p "$tree"/{upper/etc/lvm,upper/$library/modules,upper/var/lib/kubelet,work,root,dev}
  ln -s "$modules" "$tree/upper/$library/modules/" # so that the kernel finds its modules by itself
  lvm_configuration /run/lvm '^/dev/ubd[a-h]$' '^/dev/loop' >"$tree/upper/etc/lvm/lvm.conf"
  ln -s /proc/self/fd "$tree/dev/fd"
  ln -s fd/0 "$tree/dev/stdin"
  ln -s fd/1 "$tree/dev/stdout"
  ln -s fd/2 "$tree/dev/stderr"
  mkfifo "$tree/out" "$tree/err"
  cp "$lab/boot" "$scratch/boot"
}

# Everything except the first two mounts of `boot`, for one run of mount(8): a process costs 20 ms in there.
# /run and kubelet's directory are file systems of their own, as on a node.
file_systems() {
  local root=/mnt/root directory
  cat <<TAB
overlay $root overlay lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work 0 0
proc $root/proc proc nosuid,nodev,noexec 0 0
sysfs $root/sys sysfs nosuid,nodev,noexec 0 0
devtmpfs $root/dev devtmpfs mode=0755 0 0
devpts $root/dev/pts devpts mode=0620,ptmxmode=0666,X-mount.mkdir 0 0
tmpfs $root/dev/shm tmpfs mode=1777,X-mount.mkdir 0 0
tmpfs $root/run tmpfs mode=0755 0 0
tmpfs $root/run/lock tmpfs mode=1777,X-mount.mkdir 0 0
tmpfs $root/var/lib/kubelet tmpfs mode=0755 0 0
TAB
  # The home of root, whom the command takes itself for, is closed to us.
  if [ "$(id -u)" != 0 ]; then echo "tmpfs $root/root tmpfs mode=0700 0 0"; fi
  for directory in ${writable[@]+"${writable[@]}"}; do
    directory=${directory// /\\040}
    echo "none $root$directory hostfs $directory 0 0"
  done
}

settings() {
  local merged=''
  ! same_output || merged=yes
  echo "modules=$(quote "$modules") merged=$merged"
}

command_script() {
  echo "export PATH=$(quote "$PATH:/usr/local/sbin:/usr/sbin:/sbin") HOME=/root USER=root TERM=dumb LC_ALL=C.UTF-8"
  echo "export LVM_SYSTEM_DIR=/etc/lvm DM_DISABLE_UDEV=1"
  exported_environment
  echo "export LAB_KIND=uml LAB_DISKS=$(quote "$disk_names")"
  echo "cd $(quote "$PWD") || exit 125"
  echo "exec $(quote "${command[@]}")"
}

uml_disks() {
  local index image letters=abcdefgh
  uml_arguments=() disk_names=''
  for index in "${!disks[@]}"; do
    make_disk "${disks[index]}" "disk$index"
    [[ ! $image =~ [[:space:],:] ]] || fail 2 "-k: blanks, commas and colons do not work in an image's path: $image"
    uml_arguments+=("ubd${index}d=$image")
    disk_names+="${disk_names:+ }/dev/ubd${letters:index:1}"
  done
}

# Passes the output on, and cuts the power at the line asked for: SIGKILL to the kernel. What it had written to its
# disks is in the image; what was only in its page cache is lost, as in a real power cut.
watch_for_power_cut() {
  perl -e '
    my ($line, $scratch) = @ARGV;
    $| = 1;
    while (my $read = <STDIN>) {
      print $read;
      utime undef, undef, "$scratch/progress";
      chomp $read;
      next if $read ne $line || -e "$scratch/cut";
      open my $pid, "<", "$scratch/pid" or die;
      open my $cut, ">", "$scratch/cut" or die;
      my $group = int <$pid>;
      kill "KILL", $group, -$group;
    }' "$power_cut_line" "$scratch"
}

# The kernel never gets our own standard output: it would make it non-blocking for everybody who shares it.
start_readers() {
  if [ -n "$power_cut_line" ]; then exec {out}> >(watch_for_power_cut); else exec {out}> >(pass_on); fi
  readers+=($!)
  exec {err}> >(pass_on >&2)
  readers+=($!)
}

start_uml() {
  local pid
  ulimit -c 0
  exec {log}>"$scratch/log" {status}>"$scratch/status"
  start_readers
  TMPDIR=$(memory_directory)
  export TMPDIR
  linux.uml mem="$memory" umid="${scratch##*/}" uml_dir="$scratch" ${uml_arguments[@]+"${uml_arguments[@]}"} \
    rootfstype=hostfs rootflags=/ ro init="$scratch/boot" quiet selinux=0 pty.legacy_count=0 oops=panic \
    con0="null,fd:$log" con=null ssl0="null,fd:$out" ssl1="null,fd:$err" ssl2="null,fd:$status" ssl=null \
    </dev/null >&"$log" 2>&1 &
  pid=$!
  echo "$pid" >"$scratch/pid"
  exec {out}>&- {err}>&- {log}>&- {status}>&-
  start_guard "$pid"
}

finish() {
  if [ -e "$scratch/cut" ]; then exit 99; fi
  if [ -s "$scratch/status" ]; then exit "$(tr -cd 0-9 <"$scratch/status")"; fi
  cat "$scratch/log" >&2
  [ ! -e "$scratch/timeout" ] || fail 124 "stopped: the command has printed nothing for $time_limit s"
  fail 98 "the kernel ended before the command did; above is what it said"
}

run_command() {
  local uml_arguments disk_names modules
  find_uml
  uml_disks
  prepare_files
  file_systems >"$scratch/fstab"
  settings >"$scratch/settings"
  command_script >"$scratch/command"
  start_uml
  wait "$(cat "$scratch/pid")" 2>/dev/null || true
  stop_guard
  wait "${readers[@]}" || true
  finish
}
