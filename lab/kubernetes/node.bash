# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# Nodes: real ones with containerd, runc and kubelet, and such that are only objects.

# What kubelet changes of this machine; put back when the last node ends.
readonly kubelet_sysctls=(vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/ipv4/ip_forward)

# The API server is made to believe in a large machine that never says anything again.
add_simulated_node() { # NAME
  local now
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  jq -n --arg name "$1" '{apiVersion: "v1", kind: "Node",
    metadata: {name: $name, labels: {"kubernetes.io/hostname": $name, "kubernetes.io/os": "linux"}}}' |
    kubectl apply -f - >/dev/null
  kubectl get node "$1" -o json | jq --arg now "$now" '.status = {
      capacity: {cpu: "64", memory: "256Gi", pods: "1000"}, allocatable: {cpu: "64", memory: "256Gi", pods: "1000"},
      conditions: [{type: "Ready", status: "True", reason: "Simulated", message: "only an object",
        lastHeartbeatTime: $now, lastTransitionTime: $now}]}' |
    kubectl replace --raw "/api/v1/nodes/$1/status" -f - >/dev/null
}

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

has_address() { ip -o address show dev lo | grep -qF " $1/"; }
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

write_network() {
  mkdir -p "$node/network"
  jq -n --arg bridge "$bridge" --arg range "$pod_range" --arg data "$node/addresses" '{
    cniVersion: "0.4.0", name: "test", plugins: [{type: "bridge", bridge: $bridge, isGateway: true, ipMasq: false,
      ipam: {type: "host-local", dataDir: $data, ranges: [[{subnet: $range}]], routes: [{dst: "0.0.0.0/0"}]}}]}' \
    >"$node/network/10-bridge.conflist"
}

# Everything that it mounts is below the node's directory, where stop_node looks for it.
write_containerd_configuration() {
  cat >"$node/containerd.toml" <<CONF
version = 2
root = "$node/images"
state = "$node/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  disable_tcp_service = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$debian/usr/lib/cni"
    conf_dir = "$node/network"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "$debian/usr/sbin/runc"
        Root = "$node/runc"
CONF
}

images() { "$debian/usr/bin/ctr" --address "$containerd_socket" --namespace k8s.io "$@"; }

import_images() { # NODE ARCHIVE
  open_node "$1"
  images images import "$2" >/dev/null
}

start_containerd() {
  local archive
  write_network
  write_containerd_configuration
  define_part "$name/containerd" "$debian/usr/bin/containerd" --config "$node/containerd.toml"
  start_part "$name/containerd"
  await_part "$name/containerd" 60 images version
  for archive in "$programs/images"/*.tar; do images images import "$archive" >/dev/null; done
}

# Pods get no control groups of their own level: this works alike with both versions of control groups, and where
# some controllers are missing. Containers do get theirs.
write_kubelet_configuration() {
  : >"$node/resolv.conf"
  jq -n --arg address "$node_address" --arg node "$node" --arg pki "$directory/pki" --arg name "$name" '{
    apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", address: $address, port: 10250,
    readOnlyPort: 0, healthzPort: 10248, healthzBindAddress: $address,
    tlsCertFile: "\($pki)/node-\($name).crt", tlsPrivateKeyFile: "\($pki)/node-\($name).key",
    authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "\($pki)/ca.crt"}},
    authorization: {mode: "Webhook"}, cgroupDriver: "cgroupfs", cgroupsPerQOS: false, enforceNodeAllocatable: [],
    failSwapOn: false, makeIPTablesUtilChains: false, resolvConf: "\($node)/resolv.conf",
    featureGates: {GenericEphemeralVolume: true},
    evictionHard: {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    imageGCHighThresholdPercent: 100, imageGCLowThresholdPercent: 99, nodeStatusUpdateFrequency: "2s",
    syncFrequency: "10s", volumeStatsAggPeriod: "10s"}' >"$node/kubelet.json"
}

# A mount of its own that is shared, as /var/lib/kubelet's is on a node, whatever the one around it is.
make_kubelet_root() {
  mkdir -p "$node/kubelet"
  mountpoint -q "$node/kubelet" || mount --bind "$node/kubelet" "$node/kubelet"
  mount --make-rshared "$node/kubelet"
}

# AWS_…: kubelet 1.20 otherwise asks a metadata service for 5 s.
define_kubelet() {
  local settings
  mapfile -t settings < <(settings_of_ours)
  define_part "$name/kubelet" AWS_EC2_METADATA_DISABLED=true ${settings[@]+"${settings[@]}"} "$kubernetes/kubelet" --v=2 \
    --config="$node/kubelet.json" --kubeconfig="$directory/nodes-$name.json" --root-dir="$node/kubelet" \
    --cert-dir="$directory/serving/$name" --hostname-override="$name" --node-ip="$node_address" \
    --container-runtime=remote --container-runtime-endpoint="unix://$containerd_socket" \
    --image-service-endpoint="unix://$containerd_socket" --pod-infra-container-image=localhost/pause:1 \
    --volume-plugin-dir="$directory/plugins"
}

start_kubelet() { # NAME
  open_node "$1"
  part_process "$name/containerd" >/dev/null || fail "node $name was not started: lab/cluster start-node $directory $name"
  signed_certificate ca "node-$name" "/O=system:nodes/CN=system:node:$name" clientAuth,serverAuth \
    -addext "subjectAltName=IP:$node_address,DNS:$name"
  kubeconfig "nodes-$name" "node-$name"
  write_kubelet_configuration
  make_kubelet_root
  define_kubelet
  start_part "$name/kubelet"
  await_part "$name/kubelet" 180 curl -fsS --noproxy '*' "http://$node_address:10248/healthz"
  await_part "$name/kubelet" 180 kubectl wait --for=condition=Ready --timeout=5s "node/$name"
}

# The shims of this node's pods, each a process that has containerd's socket among its arguments.
shims() {
  local file
  grep -lxzF -e "$containerd_socket" /proc/[0-9]*/cmdline 2>/dev/null | while read -r file; do
    file=${file%/cmdline}
    [[ $(readlink "$file/exe") != */containerd-shim-* ]] || echo "${file#/proc/}"
  done
}

# A container's first process is a child of its shim: the rest of the container ends with it.
end_pods() {
  local shim tries shims children
  for tries in {1..50}; do
    mapfile -t shims < <(shims)
    [ ${#shims[@]} -gt 0 ] || return 0
    for shim in "${shims[@]}"; do
      read -r -a children < <(cat "/proc/$shim/task"/*/children 2>/dev/null | tr '\n' ' ') || true
      [ ${#children[@]} -eq 0 ] || kill -KILL "${children[@]}" 2>/dev/null || true
      # containerd cleans up and ends its shims, unless it is gone itself.
      if [ "$tries" -ge 40 ] || ! part_process "$name/containerd" >/dev/null; then kill -KILL "$shim" || true; fi
    done
    sleep 0.2
  done
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
