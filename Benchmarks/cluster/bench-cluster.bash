# shellcheck shell=bash disable=SC2034,SC2154  # variables are for the scripts beside this one; sourced after common.bash
# A cluster to measure, with our programs as processes that have the rights of their pods.

release=$(realpath "${BUILD:-.build}")/release
directory=''
if [ -n "${LAB_KIND-}" ]; then place=/run; else place=/tmp; fi
readonly release place

load() {
  local one five rest
  read -r one five rest </proc/loadavg
  printf 'load of the machine: %s in the last minute, %s in the last five\n' "$one" "$five"
}

# What it says is of interest only when it fails.
lab_cluster() { # COMMAND [ARGUMENT]...
  quietly lab/cluster "$1" "$directory" "${@:2}"
}

start_cluster() { # [VARIABLE=VALUE]... for lab/cluster start
  directory=$(mktemp -d "$place/bench.XXXXXX")
  trap abandon_cluster EXIT
  export ELASTIC_LOCAL_SOCKET=$directory/socket # for kubelet's calls
  quietly env "$@" lab/cluster start "$directory"
  eval "$(lab/cluster env "$directory")"
  # What `kubectl apply -k daemonset/` makes, but for the workloads: those run as processes here.
  quietly kubectl apply -f daemonset/base/namespace.yaml -f daemonset/base/storage-class.yaml \
    -f daemonset/base/csi-driver.yaml -f daemonset/base/node-rbac.yaml -f daemonset/base/provisioner-rbac.yaml
  write_token elastic-local-node
  write_token elastic-local-provisioner
}

# Something could not be measured: what the parts said last may tell why.
abandon_cluster() {
  local log
  for log in "$directory"/logs/{etcd,apiserver}.log "$directory"/logs/own/*.log; do
    [ ! -s "$log" ] || { printf 'the end of %s:\n' "${log##*/}" && tail -n 3 "$log"; } >&2
  done
  end_cluster
}

end_cluster() {
  trap - EXIT
  [ -n "$directory" ] || return 0
  lab/cluster stop "$directory" >/dev/null 2>&1 || give_up "the cluster in $directory can not be stopped"
  detach_images
  rm -rf --one-file-system "$directory"
  directory=''
}

# Disk images are still attached: a daemon that ends leaves its volumes as they are.
detach_images() {
  local device
  losetup --noheadings --output NAME,BACK-FILE | awk -v below="$directory/" 'index($2, below) == 1 { print $1 }' |
    while read -r device; do losetup --detach "$device" || true; done
}

# The account's own token, which 1.20 keeps in a Secret: its rights are those of daemonset/.
write_token() { # ACCOUNT
  local tries
  for tries in {1..100}; do
    kubectl --namespace elastic-local get secrets -o json |
      jq -r --arg account "$1" '.items[]
        | select(.metadata.annotations["kubernetes.io/service-account.name"] == $account) | .data.token' |
      base64 -d >"$directory/$1.token"
    [ ! -s "$directory/$1.token" ] || return 0
    sleep 0.1
  done
  give_up "the account $1 has no token (looked $tries times)"
}

# --- our programs ---------------------------------------------------------------------------------------------------

run_program() { # NAME ACCOUNT COMMAND...
  local name=$1 account=$2
  shift 2
  # The environment is that of their pods.
  lab_cluster run "$name" env --unset=LANG --unset=LC_ALL GNUTLS_NO_IMPLICIT_INIT=1 "$@" --server "$CLUSTER_SERVER" --certificate-authority "$CLUSTER_CA" \
    --token-file "$directory/$account.token" --metrics-address 127.0.0.1:0
}

run_provisioner() {
  run_program provisioner elastic-local-provisioner "$release/elastic-local-provisioner" serve
  await_program provisioner '^elastic_local_provisioner_synced 1$'
}

run_daemon() { # NODE ENGINE [KUBELET-ROOT SOCKET]
  local root=${3:-$directory/$1/kubelet}
  mkdir -p "$root"
  run_program "$1" elastic-local-node "$release/elastic-local-node" serve --engine "$2" --node-name "$1" \
    --socket "${4:-$directory/$1/socket}" --state-dir "$directory/$1/state" --kubelet-root "$root"
  await_program "$1" '^elastic_local_api_requests_total{code="200",resource="persistentvolumes",verb="watch"}'
}

# The port is free to choose for the program, and stands in its log.
scrape() { # NAME
  local port
  port=$(sed -n 's/.* serving .*metrics=\([0-9]*\).*/\1/p' "$directory/logs/own/$1.log" | tail -n 1)
  [ -n "$port" ] && curl -fsS --noproxy '*' --max-time 10 "http://127.0.0.1:$port/metrics"
}

await_program() { # NAME PATTERN: a line of its metrics
  local end=$((SECONDS + 120))
  until grep -q "$2" <<<"$(scrape "$1" 2>/dev/null)"; do
    if [ "$SECONDS" -ge "$end" ]; then
      tail -n 5 "$directory/logs/own/$1.log" >&2
      give_up "$1 does not get ready; above is the end of its log"
    fi
    sleep 0.2
  done
}

# Requests that a program has counted itself: of a VERB to a RESOURCE, whatever the answer.
counted() { # NAME VERB RESOURCE
  scrape "$1" | awk -v kind="resource=\"$3\",verb=\"$2\"}" '
    index($1, "elastic_local_api_requests_total{") == 1 && index($1, kind) { sum += $2 } END { print sum + 0 }'
}

process_of() { cut -d ' ' -f 1 "$directory/running/own/$1"; } # NAME

# --- the audit log --------------------------------------------------------------------------------------------------

# Bound by Kubernetes itself, when a pod wants it.
local_class() {
  sed 's/^  name: .*/  name: bench-local/; s/^provisioner: .*/provisioner: kubernetes.io\/no-provisioner/' \
    daemonset/base/storage-class.yaml | quietly kubectl apply -f -
}

timestamp() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; } # as the API server writes it

# Times of the API server and of containerd, whose fractions have up to nine digits, as microseconds.
readonly jq_times='def micros: (.[0:19] + "Z" | fromdate) * 1000000 + ((.[20:-1] + "000000")[0:6] | tonumber);'

# audited FROM TO: of all requests that came in between, how often WHO did WHAT to WHICH: lines `COUNT WHO VERB RESOURCE`.
audited() {
  jq -r --arg from "$1" --arg to "$2" '
    select(.stage == "ResponseComplete" and .requestReceivedTimestamp >= $from and .requestReceivedTimestamp < $to)
    | [ (.user.username
          | if . == "system:serviceaccount:elastic-local:elastic-local-provisioner" then "provisioner"
            elif . == "system:serviceaccount:elastic-local:elastic-local-node" then "daemon"
            elif . == "admin" then "benchmark"
            elif . == "system:kube-scheduler" then "scheduler"
            elif startswith("system:node:") then "kubelet"
            elif . == "system:apiserver" then "apiserver"
            else "controllers" end),
        .verb, ((.objectRef.resource // "discovery") + (.objectRef.subresource | if . then "/" + . else "" end)) ]
    | join(" ")' "$directory/logs/audit.log" | sort | uniq -c | awk '{ print $1, $2, $3, $4 }'
}
