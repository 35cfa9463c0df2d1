# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# A node's kubelet.

# Pods get no control groups of their own level: this works alike with both versions of control groups, and where
# some controllers are missing. Containers do get theirs. That nothing is enforced on pods, which goes with it, is a flag
# below: a kubelet with --config-dir loses an empty list of its configuration and takes its default.
write_kubelet_configuration() {
  : >"$node/resolv.conf"
  jq -n --arg address "$node_address" --arg node "$node" --arg pki "$directory/pki" --arg name "$name" \
    --argjson more "$kubelet_settings" '$more + {
    apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration", address: $address, port: 10250,
    readOnlyPort: 0, healthzPort: 10248, healthzBindAddress: $address,
    tlsCertFile: "\($pki)/node-\($name).crt", tlsPrivateKeyFile: "\($pki)/node-\($name).key",
    authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "\($pki)/ca.crt"}},
    authorization: {mode: "Webhook"}, cgroupDriver: "cgroupfs", cgroupsPerQOS: false,
    failSwapOn: false, makeIPTablesUtilChains: false, resolvConf: "\($node)/resolv.conf",
    evictionHard: {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    imageGCHighThresholdPercent: 100, imageGCLowThresholdPercent: 99, nodeStatusUpdateFrequency: "2s",
    syncFrequency: "10s", volumeStatsAggPeriod: "10s"}' >"$node/kubelet.json"
}

# A mount of its own that is shared, as /var/lib/kubelet's is on a node, whatever the one around it is.
make_kubelet_root() {
  mkdir -p "$kubelet_root"
  mountpoint -q "$kubelet_root" || mount --bind "$kubelet_root" "$kubelet_root"
  mount --make-rshared "$kubelet_root"
}

# AWS_…: kubelet 1.20 otherwise asks a metadata service for 5 s.
define_kubelet() {
  local settings
  mapfile -t settings < <(settings_of_ours)
  define_part "$name/kubelet" AWS_EC2_METADATA_DISABLED=true ${settings[@]+"${settings[@]}"} "$kubernetes/kubelet" --v=2 \
    --config="$node/kubelet.json" --kubeconfig="$directory/nodes-$name.json" --root-dir="$kubelet_root" \
    --cert-dir="$directory/serving/$name" --hostname-override="$name" --node-ip="$node_address" \
    --enforce-node-allocatable= \
    ${kubelet_options[@]+"${kubelet_options[@]}"}
}

start_kubelet() { # NAME
  open_node "$1"
  part_process "$name/containerd" >/dev/null || fail "node $name was not started: lab/cluster start-node $directory $name"
  signed_certificate ca "node-$name" "/O=system:nodes/CN=system:node:$name" clientAuth,serverAuth \
    -addext "subjectAltName=IP:$node_address,DNS:$name"
  kubeconfig "nodes-$name" "node-$name"
  set_kubelet_options "$minor"
  write_kubelet_configuration
  make_kubelet_root
  define_kubelet
  start_part "$name/kubelet"
  await_part "$name/kubelet" 180 curl -fsS --noproxy '*' "http://$node_address:10248/healthz"
  await_part "$name/kubelet" 180 kubectl wait --for=condition=Ready --timeout=5s "node/$name"
}
