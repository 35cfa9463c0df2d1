# shellcheck shell=bash disable=SC2154  # variables are those of the scripts beside this one
# From a pod being created to its container running, on one kubelet: with an emptyDir, with a claim for a local volume that
# was there before, and with a claim for a fresh volume of ours.

readonly rounds=${ROUNDS:-12} volume_size=256Mi
readonly start_limit=1.25 # beside a local volume that was there; above 1 is noise: kubelet looks each 300 ms
readonly kinds=(empty-dir local elastic-local)

pod() { # KIND NAME
  local volume="{name: data, emptyDir: {}}"
  [ "$1" = empty-dir ] || volume="{name: data, persistentVolumeClaim: {claimName: $2}}"
  cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $2}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: localhost/busybox:1
      imagePullPolicy: Never
      command: [sh, -c, "echo started; exec sleep 100000"]
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [$volume]
YAML
}

claim() { # CLASS NAME
  cat <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $2}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: $1
  resources: {requests: {storage: $volume_size}}
---
YAML
}

local_volume() { # NAME
  mkdir -p "$directory/local/$1"
  cat <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: $1}
spec:
  capacity: {storage: $volume_size}
  accessModes: [ReadWriteOnce]
  storageClassName: bench-local
  local: {path: $directory/local/$1}
  nodeAffinity: {required: {nodeSelectorTerms: [
    {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}
YAML
}

# The container's first word has the time at which containerd read it.
run_pod() { # KIND NAME
  local manifest
  manifest=$(pod "$1" "$2")
  case $1 in
    local)
      local_volume "$2" | quietly kubectl create -f -
      manifest=$(claim bench-local "$2")$'\n'$manifest
      ;;
    elastic-local) manifest=$(claim elastic-local "$2")$'\n'$manifest ;;
  esac
  quietly kubectl create -f - <<<"$manifest"
  quietly kubectl wait --for=condition=Ready "pod/$2" --timeout=60s
  printf '%s %s %s\n' "$1" "$2" "$(kubectl logs --timestamps "$2" | sed -n '1s/ .*//p')" >>"$directory/starts"
  remove_pod "$1" "$2"
}

remove_pod() { # KIND NAME
  quietly kubectl delete pod "$2" --timeout=60s
  [ "$1" != empty-dir ] || return 0
  quietly kubectl delete pvc "$2" --timeout=60s
  [ "$1" != local ] || quietly kubectl delete pv "$2" --timeout=60s
  local end=$((SECONDS + 60))
  until [ -z "$(kubectl get pv -o name)" ]; do
    [ "$SECONDS" -lt "$end" ] || give_up "the PV of $2 stays"
    sleep 0.2
  done
}

measure_pods() {
  local engine=file round turn
  [ "$(id -u)" = 0 ] || give_up "a real node needs root"
  start_cluster CLUSTER_AUDIT=1
  if [ -n "${LAB_KIND-}" ]; then
    engine=lvm
    quietly lab/volume-group elastic-local-vg "${LAB_DISKS%% *}"
  fi
  quietly flex-install/install.sh --plugin-dir "$directory/plugins" --source "$release"
  lab_cluster start-node
  run_daemon node1 "$engine" "$directory/nodes/node1/kubelet" "$ELASTIC_LOCAL_SOCKET"
  run_provisioner
  local_class
  # The first of a kind is not like the others.
  for turn in "${!kinds[@]}"; do run_pod "${kinds[turn]}" "first-$turn"; done
  rm "$directory/starts"
  for ((round = 0; round < rounds; round++)); do
    for turn in 0 1 2; do run_pod "${kinds[(round + turn) % 3]}" "pod-$round-$turn"; done
  done
  printf '\npod created to container started, one node, engine %s, %s, ext4; %s of each, in turn; medians in ms\n' "$engine" \
    "$volume_size" "$rounds"
  report_pods
  end_cluster
}

# Lines `KIND STAGE MICROSECONDS` since the pod's creation, from the audit log and what the containers wrote.
stages() {
  jq -n -r --rawfile starts "$directory/starts" "$jq_times"'
    def first($name; $stage; $time): if .[$name][$stage] then . else .[$name][$stage] = ($time | micros) end;
    reduce (inputs | select(.stage == "ResponseComplete" and .responseStatus.code < 300)) as $event ({};
      $event.objectRef as $object | $event.user.username as $user | $event.stageTimestamp as $time
      | [$event.verb, $object.resource, ($object.subresource // "")] as $request
      | if $request == ["create", "pods", ""] then first($object.name; "created"; $event.requestReceivedTimestamp)
        elif $request == ["create", "pods", "binding"] then first($object.name; "assigned"; $time)
        elif $request == ["update", "persistentvolumeclaims", ""] and $user == "system:kube-scheduler"
        then first($object.name; "chosen"; $time) | .claims["pvc-" + $object.uid] = $object.name
        elif $request == ["update", "persistentvolumeclaims", ""] and .[$object.name].chosen
        then first($object.name; "handed"; $time)
        elif $request == ["update", "persistentvolumeclaims", "status"] then first($object.name; "bound"; $time)
        elif $request == ["create", "persistentvolumes", ""] and .claims[$object.name]
        then first(.claims[$object.name]; "written"; $time)
        elif $request == ["patch", "persistentvolumes", ""] and .claims[$object.name]
        then first(.claims[$object.name]; "made"; $time)
        else . end)
    | . as $pods | $starts | split("\n")[] | select(. != "") | split(" ") as [$kind, $name, $start]
    | $pods[$name] + {started: ($start | micros)} | .created as $created
    | to_entries[] | select(.key != "created") | [$kind, .key, .value - $created] | map(tostring) | join(" ")
    ' "$directory/logs/audit.log"
}

stage_median() { # KIND STAGE: microseconds; nothing when that kind has no such stage
  local all
  mapfile -t all < <(awk -v kind="$1" -v stage="$2" '$1 == kind && $2 == stage { print $3 }' <<<"$lines")
  [ ${#all[@]} -eq 0 ] || median "${all[@]}"
}

stage_row() { # TEXT STAGE
  local kind figure
  printf '  %-46s' "$1"
  for kind in "${kinds[@]}"; do
    figure=$(stage_median "$kind" "$2")
    printf ' %13s' "${figure:+$(milliseconds "${figure:-0}")}"
  done
  echo
}

mount_time() {
  scrape node1 | awk '
    $1 == "elastic_local_call_seconds_sum{verb=\"mount\"}" { sum = $2 }
    $1 == "elastic_local_call_seconds_count{verb=\"mount\"}" { count = $2 }
    END { if (!count) exit 1; printf "%.1f", sum * 1000 / count }'
}

report_pods() {
  local lines empty plain ours
  lines=$(stages)
  [ "$(grep -c ' started ' <<<"$lines")" = $((3 * rounds)) ] || give_up "not every pod is in the audit log"
  printf '  %-46s %13s %13s %13s\n' '' "${kinds[@]}"
  stage_row 'node chosen for the claim, by the scheduler' chosen
  stage_row 'claim handed to us, by the controller-manager' handed
  stage_row 'PV written, by our provisioner' written
  stage_row 'volume made and noted, by our daemon' made
  stage_row 'claim bound, by the controller-manager' bound
  stage_row 'pod assigned to its node, by the scheduler' assigned
  stage_row 'container started' started
  empty=$(stage_median empty-dir started)
  plain=$(stage_median local started)
  ours=$(stage_median elastic-local started)
  printf '  in the daemon kubelet'"'"'s call to mount takes %s ms on average; kubelet looks whether volumes are mounted each 300 ms\n' \
    "$(mount_time)"
  printf '  a fresh volume beside an emptyDir: %s ms more (ratio %s); a claim for a local volume: %s ms more (ratio %s)\n' \
    "$(milliseconds $((ours - empty)))" "$(ratio "$ours" "$empty")" \
    "$(milliseconds $((plain - empty)))" "$(ratio "$plain" "$empty")"
  verdict "fresh volume to running container beside a local volume (ratio)" "$(ratio "$ours" "$plain")" "$start_limit"
}
