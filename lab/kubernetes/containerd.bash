# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# A node's containerd: its network, its images, its pods' processes.

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

ctr() { "$debian/usr/bin/ctr" --address "$containerd_socket" --namespace k8s.io "$@"; }

import_images() { # NODE ARCHIVE
  open_node "$1"
  ctr images import "$2" >/dev/null
}

tag_image() { # NODE IMAGE NEW
  open_node "$1"
  ctr images tag "$2" "$3" >/dev/null
}

# Its kubelet starts the container again, as it would after any other end of it.
crash_container() { # NODE NAMESPACE POD
  local container
  open_node "$1"
  container=$(kubectl --namespace "$2" get pod "$3" -o 'jsonpath={.status.containerStatuses[0].containerID}')
  [ -n "$container" ] || fail "pod $3 has no container that runs"
  ctr tasks kill --signal SIGKILL "${container#containerd://}"
}

start_containerd() {
  local archive
  write_network
  write_containerd_configuration
  define_part "$name/containerd" "$debian/usr/bin/containerd" --config "$node/containerd.toml"
  start_part "$name/containerd"
  await_part "$name/containerd" 60 ctr version
  for archive in "$programs/images"/*.tar; do ctr images import "$archive" >/dev/null; done
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
