# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# Nodes that are only objects: the API server is made to believe in a large machine on which nothing ever starts.

add_simulated_node() { # NAME TAINT
  [ -e "$directory/simulated/$1" ] || ! kubectl get node "$1" >/dev/null 2>&1 || fail "there is a node $1 already"
  mkdir -p "$directory/simulated"
  : >"$directory/simulated/$1"
  jq -n --arg name "$1" --arg taint "$2" '{apiVersion: "v1", kind: "Node",
    metadata: {name: $name, labels: {"kubernetes.io/hostname": $name, "kubernetes.io/os": "linux"}},
    spec: {taints: (if $taint == "" then [] else [{key: $taint, effect: "NoSchedule"}] end)}}' |
    kubectl apply -f - >/dev/null
  make_simulated_node_ready "$1"
  if is_adopted; then start_heartbeat "$1"; fi
}

# The controller-manager writes a new node too, its taints and addresses: what is told to be a conflict is tried again.
make_simulated_node_ready() { # NAME
  local attempt answer
  for ((attempt = 0; attempt < 20; attempt++)); do
    if answer=$(replace_status "$1" 2>&1); then return; fi
    [[ $answer = *Conflict* || $answer = *'object has been modified'* ]] || break
  done
  fail "cannot write the status of node $1: $answer"
}

replace_status() { # NAME
  local now
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  kubectl get node "$1" -o json | jq --arg now "$now" '.status = {
      capacity: {cpu: "64", memory: "256Gi", pods: "1000"}, allocatable: {cpu: "64", memory: "256Gi", pods: "1000"},
      conditions: [{type: "Ready", status: "True", reason: "Simulated", message: "only an object",
        lastHeartbeatTime: $now, lastTransitionTime: $now}]}' |
    kubectl replace --raw "/api/v1/nodes/$1/status" -f -
}

remove_simulated_node() { # NAME
  [ -e "$directory/simulated/$1" ] || fail "$1 is no simulated node of $directory"
  ! is_adopted || stop_part "own/heartbeat-$1"
  kubectl delete --ignore-not-found node "$1" >/dev/null
  rm "$directory/simulated/$1"
}

remove_simulated_nodes() {
  local file
  for file in "$directory"/simulated/*; do
    [ ! -e "$file" ] || remove_simulated_node "$(basename "$file")"
  done
}

# A controller of somebody else's waits 40 s for a sign of life, which kubelets give by a Lease.
start_heartbeat() { # NAME
  define_part "own/heartbeat-$1" /bin/bash -c 'while :; do
    printf "{\"apiVersion\": \"coordination.k8s.io/v1\", \"kind\": \"Lease\",
      \"metadata\": {\"name\": \"%s\", \"namespace\": \"kube-node-lease\"},
      \"spec\": {\"holderIdentity\": \"%s\", \"leaseDurationSeconds\": 40, \"renewTime\": \"%s\"}}" \
      "$1" "$1" "$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)" | "$2" --kubeconfig "$3" apply -f - >/dev/null
    sleep 8
  done' heartbeat "$1" "$kubernetes/kubectl" "$directory/kubeconfig.json"
  start_part "own/heartbeat-$1"
}
