#!/usr/bin/env bash
# lab/installation-test
#
# Installs elastic-local from daemonset/ with our own image on a Kubernetes of its own with one real node, and shows that a
# claim and a pod are all it takes, that a pod that writes all the while notices nothing of an update of the daemon, and that
# nothing of a volume is left when its claim is gone. Needs root; `make test-installation` builds what it needs.
#
#   BUILD=DIRECTORY   where the release build is, .build unless told
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'installation-test: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

directory=$(mktemp -d /tmp/install.XXXXXX)
readonly directory

show() {
  say "what the cluster says:"
  kubectl get pods,pvc,pv --all-namespaces -o wide || true
  kubectl get events --all-namespaces --field-selector type=Warning || true
  kubectl logs --namespace elastic-local daemonset/elastic-local-node --tail=40 || true
}

detach_images() {
  local device
  losetup --noheadings --output NAME,BACK-FILE | awk -v below="$directory/" 'index($2, below) == 1 { print $1 }' |
    while read -r device; do losetup --detach "$device" || true; done
}

clean_up() {
  local status=$?
  trap '' HUP INT TERM
  [ "$status" = 0 ] || show >&2
  lab/cluster stop "$directory" || return
  umount --recursive "$directory/state" 2>/dev/null || true
  detach_images
  rm -rf --one-file-system "$directory"
}

start() {
  lab/cluster start "$directory"
  # As on a host whose root is a shared mount, which systemd sees to.
  mkdir "$directory/state" "$directory/run"
  mount --bind "$directory/state" "$directory/state"
  mount --make-rshared "$directory/state"
  ELASTIC_LOCAL_SOCKET=$directory/run/socket lab/cluster start-node "$directory"
  IMAGE=localhost/elastic-local:0.1.0 daemonset/image/build "$directory/image.tar" | tail -n 1
  lab/cluster import "$directory" "$directory/image.tar"
}

install() {
  local overlay=$directory/overlay base
  mkdir "$overlay"
  base=$(realpath --relative-to "$overlay" daemonset/overlays/kubernetes-1.20)
  sed "s|BASE|$base|" lab/kubernetes/installation/kustomization.yaml >"$overlay/kustomization.yaml"
  sed "s|DIRECTORY|$directory|g" lab/kubernetes/installation/patch.yaml >"$overlay/patch.yaml"
  kubectl apply -k "$overlay" >/dev/null
  kubectl rollout status --namespace elastic-local daemonset/elastic-local-node --timeout=120s
  kubectl rollout status --namespace elastic-local deployment/elastic-local-provisioner --timeout=120s
}

pod() {
  cat <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: elastic-local
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 256Mi}}
---
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: localhost/busybox:1
    imagePullPolicy: Never
    command: [sh, -c, "while sleep 0.1; do { date >>/data/lines && sync; } || echo failed >>/tmp/failed; done"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
YAML
}

lines() { kubectl exec writer -- sh -c 'wc -l </data/lines'; }

trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
start
eval "$(lab/cluster env "$directory")"
install

pod | kubectl apply -f - >/dev/null
kubectl wait --for=condition=Ready pod/writer --timeout=60s
say "a claim and a pod: it runs with its volume"

before=$(lines)
kubectl rollout restart --namespace elastic-local daemonset/elastic-local-node >/dev/null
kubectl rollout status --namespace elastic-local daemonset/elastic-local-node --timeout=120s
after=$(lines)
[ "$after" -gt "$before" ] || fail "the writer has stopped: $before lines before the update, $after after it"
kubectl exec writer -- sh -c '! test -e /tmp/failed' || fail "a write has failed during the update"
say "the daemon was replaced while the pod wrote: $before lines before, $after after, no write failed"

volume=$(kubectl get pvc data -o 'jsonpath={.spec.volumeName}')
kubectl delete pod/writer pvc/data --timeout=60s >/dev/null
kubectl wait --for=delete "pv/$volume" --timeout=90s
! grep -q "$volume" /proc/mounts || fail "$volume is still mounted"
! find "$directory/state" -name "$volume*" | grep -q . || fail "something of $volume is left on the node"
say "the claim is gone, and nothing of its volume is left"
kubectl delete deployment,daemonset --namespace elastic-local --all --timeout=90s >/dev/null
say "passed"
