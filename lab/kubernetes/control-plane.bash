# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

# shellcheck disable=SC2034  # the other files use them
# Sets settings as the file has them: ports, and the number that tells this cluster's addresses from another's.
require_settings() {
  [ -s "$directory/settings" ] || fail 2 "no cluster has been started in $directory"
  # shellcheck source=/dev/null
  . "$directory/settings"
  # 198.18.0.0/15 is for tests of networks (RFC 2544): no real network uses it.
  service_address=198.18.$number.1 service_range=198.18.$number.0/25
  plugins=$directory/plugins
  [ -z "${host_paths-}" ] || plugins=/usr/libexec/kubernetes/kubelet-plugins/volume/exec
}

# Below the range from which the kernel gives ports to outgoing connections.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# A number that no other cluster of this machine has addresses for.
free_number() {
  local number
  while :; do
    number=$((RANDOM % 250 + 1))
    [[ $(ip -o address show dev lo) = *" 198.18.$number."* ]] || break
  done
  echo "$number"
}

make_settings() {
  local name
  [ -z "${CLUSTER_HOST_PATHS-}" ] || [ "${LAB_KIND-}" = uml ] ||
    fail 2 "CLUSTER_HOST_PATHS would take this machine's own directories: it goes with lab/run --uml only"
  [ ! -s "$directory/settings" ] || return 0
  {
    echo "release=$release"
    for name in etcd etcd_peer apiserver controller_manager scheduler; do echo "${name}_port=$(free_port)"; done
    echo "number=$(free_number)"
    [ -z "${CLUSTER_HOST_PATHS-}" ] || echo host_paths=1
  } >"$directory/settings.new"
  mv "$directory/settings.new" "$directory/settings"
}

define_etcd() {
  local peer=http://127.0.0.1:$etcd_peer_port client=http://127.0.0.1:$etcd_port
  define_part etcd "$debian/usr/bin/etcd" --name test --data-dir "$directory/etcd" \
    --listen-client-urls "$client" --advertise-client-urls "$client" --listen-peer-urls "$peer" \
    --initial-advertise-peer-urls "$peer" --initial-cluster "test=$peer"
}

# One line for each request when it has been answered, and for a watch when it begins too; who, what and when, no bodies.
write_audit_policy() {
  jq -n '{apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules: [{level: "Metadata"}]}' \
    >"$directory/audit-policy.json"
}

define_apiserver() {
  local pki=$directory/pki issuer=https://kubernetes.default.svc audit=()
  if [ "${CLUSTER_AUDIT-}" = 1 ]; then
    write_audit_policy
    audit=(--audit-policy-file="$directory/audit-policy.json" --audit-log-path="$directory/logs/audit.log"
      --audit-log-maxsize=4096)
  fi
  define_part apiserver "$kubernetes/kube-apiserver" --v=2 --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
    --secure-port="$apiserver_port" --endpoint-reconciler-type=none \
    --etcd-servers="http://127.0.0.1:$etcd_port" --cert-dir="$pki" --client-ca-file="$pki/ca.crt" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --token-auth-file="$pki/tokens.csv" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --service-account-key-file="$pki/service-account.key" \
    --service-account-signing-key-file="$pki/service-account.key" --service-account-issuer="$issuer" \
    --api-audiences="$issuer" --service-cluster-ip-range="$service_range" --allow-privileged=true \
    --kubelet-certificate-authority="$pki/ca.crt" --kubelet-client-certificate="$pki/kubelet-client.crt" \
    --kubelet-client-key="$pki/kubelet-client.key" --kubelet-preferred-address-types=InternalIP \
    --requestheader-client-ca-file="$pki/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --proxy-client-cert-file="$pki/front-proxy-client.crt" \
    --proxy-client-key-file="$pki/front-proxy-client.key" \
    ${apiserver_options[@]+"${apiserver_options[@]}"} ${audit[@]+"${audit[@]}"}
}

# There is one of each: leader election would only delay.
define_controllers() {
  local pki=$directory/pki rate=()
  [ -z "${CLUSTER_CLIENT_RATE-}" ] ||
    rate=(--kube-api-qps="$CLUSTER_CLIENT_RATE" --kube-api-burst="$CLUSTER_CLIENT_RATE")
  define_part controller-manager "$kubernetes/kube-controller-manager" --v=2 --bind-address=127.0.0.1 \
    --secure-port="$controller_manager_port" --cert-dir="$directory/serving/controller-manager" --leader-elect=false \
    --kubeconfig="$directory/controller-manager.json" \
    --authentication-kubeconfig="$directory/controller-manager.json" \
    --authorization-kubeconfig="$directory/controller-manager.json" --use-service-account-credentials=true \
    --service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" \
    --service-cluster-ip-range="$service_range" --flex-volume-plugin-dir="$plugins" \
    --node-monitor-grace-period="${CLUSTER_NODE_GRACE:-24h}" \
    ${controllers_options[@]+"${controllers_options[@]}"} ${rate[@]+"${rate[@]}"}
  define_part scheduler "$kubernetes/kube-scheduler" --v=2 --bind-address=127.0.0.1 \
    --secure-port="$scheduler_port" --cert-dir="$directory/serving/scheduler" --leader-elect=false \
    --kubeconfig="$directory/scheduler.json" --authentication-kubeconfig="$directory/scheduler.json" \
    --authorization-kubeconfig="$directory/scheduler.json" \
    ${scheduler_options[@]+"${scheduler_options[@]}"} ${rate[@]+"${rate[@]}"}
}

kubectl() { "$kubernetes/kubectl" --kubeconfig "$directory/kubeconfig.json" "$@"; }

answers() { # URL
  curl -fsS --noproxy '*' --max-time 5 --cacert "$directory/pki/ca.crt" --cert "$directory/pki/admin.crt" \
    --key "$directory/pki/admin.key" "$1"
}

# Their own certificates are signed by nobody we know.
answers_somehow() { # PORT
  curl -kfsS --noproxy '*' --max-time 5 "https://127.0.0.1:$1/healthz"
}

await_apiserver() { await_part apiserver 180 answers "https://127.0.0.1:$apiserver_port/readyz"; }

start_cluster() {
  make_settings
  require_settings
  # Whatever goes wrong or interrupts from here on: nothing is left running.
  trap stop_after_failure EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir -p "$plugins"
  make_identities
  set_control_plane_options "$minor"
  define_etcd
  define_apiserver
  define_controllers
  start_part etcd
  await_part etcd 60 curl -fsS --noproxy '*' "http://127.0.0.1:$etcd_port/health"
  start_part apiserver
  await_apiserver
  start_part controller-manager
  start_part scheduler
  await_part scheduler 60 answers_somehow "$scheduler_port"
  # Pods cannot be made before their namespace has its account.
  await_part controller-manager 120 kubectl -n default get serviceaccount default
  trap - EXIT HUP INT TERM
  echo "lab/cluster: control plane ready on https://127.0.0.1:$apiserver_port after $SECONDS s" >&2
}

stop_after_failure() {
  local status=$?
  trap '' HUP INT TERM
  stop_cluster
  exit "$status"
}

stop_cluster() {
  local node part
  for node in "$directory"/nodes/*/; do
    [ ! -d "$node" ] || stop_node "$(basename "$node")"
  done
  while read -r part; do
    [[ $part != own/* ]] || stop_part "$part"
  done < <(known_parts)
  unmount_below "$directory"
  stop_service_address
  for part in scheduler controller-manager apiserver etcd; do stop_part "$part"; done
}

print_environment() {
  printf 'export %s=%q\n' KUBECONFIG "$directory/kubeconfig.json" CLUSTER_SERVER "https://127.0.0.1:$apiserver_port" \
    CLUSTER_CA "$directory/pki/ca.crt" CLUSTER_TOKEN "$(token admin)" CLUSTER_POWERLESS_TOKEN "$(token powerless)" \
    CLUSTER_CLIENT_CERTIFICATE "$directory/pki/admin.crt" CLUSTER_CLIENT_KEY "$directory/pki/admin.key" \
    CLUSTER_DIRECTORY "$directory" CLUSTER_PLUGIN_DIRECTORY "$plugins" CLUSTER_MINOR "$minor" \
    PATH "$kubernetes:$PATH"
}
