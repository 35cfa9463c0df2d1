# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# A control plane of somebody else's: only what was added to it is ours, and goes with `stop`.

is_adopted() { [ -e "$directory/adopted" ]; }

adopt_cluster() { # KUBECONFIG
  [ ! -s "$directory/settings" ] || fail 2 "a cluster has been started in $directory"
  mkdir -p "$directory/commands"
  : >"$directory/adopted"
  # What names no namespace goes into one of its own.
  (umask 077 && "$kubernetes/kubectl" --kubeconfig "$1" config view --raw --flatten --minify -o json |
    jq '.contexts[].context.namespace = "elastic-local-test"' >"$directory/kubeconfig.json")
  kubectl get --raw /version >/dev/null || fail "the API server that $1 names does not answer"
}

stop_adopted() {
  local part
  while read -r part; do stop_part "$part"; done < <(known_parts)
  remove_simulated_nodes
}

print_adopted_environment() {
  printf 'export %s=%q\n' KUBECONFIG "$directory/kubeconfig.json" CLUSTER_DIRECTORY "$directory" \
    PATH "$kubernetes:$PATH"
}
