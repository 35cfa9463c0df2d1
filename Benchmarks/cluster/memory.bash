# shellcheck shell=bash disable=SC2034,SC2154  # variables are those of the scripts beside this one
# Resident memory of both programs in a large cluster.

readonly objects=${OBJECTS:-10000}
readonly own_node=n0 cluster_nodes=${NODES:-100}
readonly provisioner_limit=40 daemon_limit=30 # MiB
readonly updates=2000 # an hour's worth of all PVs, and as many of the daemon's own

# The largest figures are kept in `worst`, KiB.
memory_row() { # TEXT
  local name field
  printf '  %-46s' "$1"
  for name in provisioner "$own_node"; do
    daemon=$(process_of "$name") # for `memory`
    for field in VmRSS RssAnon VmHWM; do
      memory "$field"
      printf ' %8s' "$(awk "BEGIN { printf \"%.1f\", $kibibytes / 1024 }")"
    done
    memory VmRSS
    [ "$kibibytes" -le "${worst[$name]}" ] || worst[$name]=$kibibytes
  done
  echo
}

# Until both programs have asked for nothing for some seconds.
quiet() {
  local before after=-1 name
  while
    before=$after
    sleep 7
    after=$(for name in provisioner "$own_node"; do scrape "$name"; done |
      awk 'index($1, "elastic_local_api_requests_total{") == 1 && !/resource="leases"/ { sum += $2 } END { print sum }')
    [ "$before" != "$after" ]
  do :; done
}

await_count() { # NAME AT-LEAST VERB: requests about PVs
  local end=$((SECONDS + 120))
  until [ "$(counted "$1" "$3" persistentvolumes || echo 0)" -ge "$2" ]; do
    [ "$SECONDS" -lt "$end" ] || give_up "$1 did not $3 PVs: $(tail -n 3 "$directory/logs/own/$1.log")"
    sleep 0.5
  done
}

# The API server loses its cache of changes, and something has changed: 410 for all watches, and new lists.
force_lists() {
  local lists=$(((objects + 249) / 250)) provisioner_before node_before
  provisioner_before=$(counted provisioner list persistentvolumes)
  node_before=$(counted "$own_node" list persistentvolumes)
  quietly kubectl create configmap "change-$RANDOM"
  lab_cluster crash-part apiserver
  lab_cluster start-part apiserver
  await_count provisioner $((provisioner_before + lists)) list
  await_count "$own_node" $((node_before + 1)) list
  quiet
}

fill_cluster() {
  # Nobody but us is to have work with them.
  lab_cluster stop-part controller-manager
  lab_cluster stop-part scheduler
  quietly "$release/cluster-benchmark" fill "$objects" "$cluster_nodes"
}

measure_memory() {
  local engine=${ENGINE:-file} began round
  declare -A worst=([provisioner]=0 [$own_node]=0)
  start_cluster
  if [ -n "${LAB_KIND-}" ]; then
    engine=lvm
    quietly lab/volume-group elastic-local-vg "${LAB_DISKS%% *}"
  fi
  began=$SECONDS
  fill_cluster
  printf '\nmemory in MiB with %s PVs and as many claims, bound, of %s nodes; filled in %s s\n' "$objects" \
    "$cluster_nodes" $((SECONDS - began))
  printf '  %-46s %26s %26s\n' '' '|------ provisioner -----|' "|- daemon, engine $(printf '%-9s' "$engine")|"
  printf '  %-46s %8s %8s %8s %8s %8s %8s\n' '' resident anon peak resident anon peak
  run_provisioner
  run_daemon "$own_node" "$engine"
  await_count "$own_node" $((objects / cluster_nodes)) patch
  quiet
  memory_row "listed, and the daemon's $((objects / cluster_nodes)) volumes made"
  quietly "$release/cluster-benchmark" churn "$updates" "$objects" 1
  quietly "$release/cluster-benchmark" churn "$updates" "$objects" "$cluster_nodes"
  quiet
  memory_row "$updates updates of all, $updates of the daemon's later"
  for round in 1 2 3; do
    force_lists
    memory_row "API server lost, all listed anew, time $round"
  done
  verdict "resident MiB of the provisioner, the most of these" "$(ratio "${worst[provisioner]}" 1024)" "$provisioner_limit"
  verdict "resident MiB of the daemon, the most of these" "$(ratio "${worst[$own_node]}" 1024)" "$daemon_limit"
  end_cluster
}
