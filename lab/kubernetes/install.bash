# shellcheck shell=bash
# Installs elastic-local from daemonset/ on a cluster of lab/cluster with one real node, as an operator does, with our own
# image. `lab/cluster-test` sources it.

# shellcheck source-path=SCRIPTDIR source=release.bash
. "$(dirname "${BASH_SOURCE[0]}")/release.bash"

readonly product_image=localhost/elastic-local:0.1.0

# As on a host whose root is a shared mount, which systemd sees to.
make_state_directories() { # DIRECTORY
  mkdir "$1/state" "$1/run"
  mount --bind "$1/state" "$1/state"
  mount --make-rshared "$1/state"
}

import_product() { # DIRECTORY ARCHIVE
  [ -s "$2" ] || IMAGE=$product_image daemonset/image/build "$2" | tail -n 1
  lab/cluster import "$1" "$2"
  lab/cluster tag-image "$1" "$product_image" localhost/elastic-local:next
}

# The manifests as they are.
install_product() {
  kubectl apply -k "$(installation_for "$CLUSTER_MINOR")" >/dev/null
  await_product
}

# The manifests with this cluster's directories, disk images, and a grace time that a test can wait for.
install_product_here() { # DIRECTORY
  local overlay=$1/overlay base
  mkdir "$overlay"
  base=$(realpath --relative-to "$overlay" "$(installation_for "$CLUSTER_MINOR")")
  sed "s|BASE|$base|" lab/kubernetes/installation/kustomization.yaml >"$overlay/kustomization.yaml"
  sed "s|DIRECTORY|$1|g" lab/kubernetes/installation/patch.yaml >"$overlay/patch.yaml"
  kubectl apply -k "$overlay" >/dev/null
  await_product
}

await_product() {
  # Before 1.30 there are no such policies.
  [ "$CLUSTER_MINOR" -lt 30 ] || kubectl apply -k daemonset/admission >/dev/null
  kubectl rollout status --namespace elastic-local daemonset/elastic-local-node --timeout=180s
  kubectl rollout status --namespace elastic-local deployment/elastic-local-provisioner --timeout=180s
}
