# shellcheck shell=bash disable=SC2154,SC2034  # the variables are those of `cluster`, which sources this file and others
# Real nodes, with containerd, runc and kubelet.

# What kubelet changes of this machine; put back when the last node ends.
readonly kubelet_sysctls=(vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/ipv4/ip_forward)

# Sets what is known of a node; index counts the cluster's nodes and gives each its addresses.
open_node() { # NAME
  local used
  [[ $1 =~ ^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$ ]] || fail 2 "not a name for a node: $1 (at most 16 letters and digits)"
  name=$1 node=$directory/nodes/$1
  mkdir -p "$node"
  if [ ! -s "$node/index" ]; then
    used=$(find "$directory/nodes" -name index | wc -l)
    echo $((used + 1)) >"$node/index"
  fi
  index=$(cat "$node/index")
  [ "$index" -le 15 ] || fail "15 real nodes are the limit of a cluster's addresses"
  node_address=198.18.$number.$((128 + index)) pod_range=198.19.$number.$((index * 16))/28
  bridge=elb$number-$index containerd_socket=$node/containerd.sock
  kubelet_root=$node/kubelet
  [ -z "${host_paths-}" ] || kubelet_root=/var/lib/kubelet
}

start_node() { # NAME
  [ "$(id -u)" = 0 ] || fail "a real node needs root"
  part_process apiserver >/dev/null || fail "the control plane does not run: lab/cluster start $directory"
  open_node "$1"
  trap stop_node_after_failure EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [ "${LAB_KIND-}" = uml ]; then prepare_uml; fi
  save_sysctls
  add_address "$node_address"
  start_service_address
  start_containerd
  start_kubelet "$name"
  trap - EXIT HUP INT TERM
  echo "lab/cluster: node $name is Ready after $SECONDS s" >&2
}

stop_node_after_failure() {
  local status=$?
  trap '' HUP INT TERM
  stop_node "$name"
  exit "$status"
}

# The lab's kernel has no control groups mounted, no module of a bridge loaded, and no clock speed in its list of
# processors, without which kubelet 1.20 does not start.
prepare_uml() {
  mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
  modprobe -a bridge veth
  grep -q '^cpu MHz' /proc/cpuinfo && return 0
  sed '/^model name/a cpu MHz : 1000.000' /proc/cpuinfo >/run/cpuinfo
  mount --bind /run/cpuinfo /proc/cpuinfo
}

save_sysctls() {
  local name
  [ ! -f "$directory/sysctls" ] || return 0
  for name in "${kubelet_sysctls[@]}"; do
    [ ! -r "/proc/sys/$name" ] || echo "$name $(cat "/proc/sys/$name")"
  done >"$directory/sysctls.new"
  mv "$directory/sysctls.new" "$directory/sysctls"
}

restore_sysctls() {
  local name value
  [ -f "$directory/sysctls" ] || return 0
  while read -r name value; do echo "$value" >"/proc/sys/$name" || true; done <"$directory/sysctls"
  rm "$directory/sysctls"
}

# Not by a pipe into grep -q: ip would now and then be killed by its end, and with pipefail an address that is there not be.
has_address() { [[ $(ip -o address show dev lo) = *" $1/"* ]]; }
add_address() { has_address "$1" || ip address add "$1/32" dev lo; }
remove_address() { ! has_address "$1" || ip address del "$1/32" dev lo; }

# The address that pods know the API server by; a proxy of services would do this on a whole cluster.
start_service_address() {
  add_address "$service_address"
  define_part forward/service "$(command -v socat)" "TCP-LISTEN:443,bind=$service_address,fork,reuseaddr" \
    "TCP:127.0.0.1:$apiserver_port"
  start_part forward/service
}

stop_service_address() {
  stop_part forward/service
  remove_address "$service_address"
}

unmount_below() { # DIRECTORY
  local target
  findmnt -rno TARGET | tac | while read -r target; do
    target=$(printf '%b' "$target")
    case $target in
      "$1" | "$1"/*) umount "$target" 2>/dev/null || umount -l "$target" 2>/dev/null || true ;;
    esac
  done
}

remove_control_groups() {
  local hierarchy
  while read -r hierarchy; do
    [ ! -d "$hierarchy/k8s.io" ] || find "$hierarchy/k8s.io" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done < <(control_group_hierarchies)
}

stop_node() { # NAME
  open_node "$1"
  stop_part "$name/kubelet"
  end_pods
  stop_part "$name/containerd"
  unmount_below "$node"
  unmount_below "$kubelet_root"
  rm -rf "$node/addresses"
  ! ip link show "$bridge" >/dev/null 2>&1 || ip link del "$bridge"
  remove_address "$node_address"
  remove_control_groups
  running_node >/dev/null || restore_sysctls
}

running_node() {
  local other
  for other in "$directory"/nodes/*/; do
    ! part_process "$(basename "$other")/containerd" || return 0
  done
  return 1
}
