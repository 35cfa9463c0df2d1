# shellcheck shell=bash disable=SC2154,SC2034  # the variables are those of the scripts that source this file
# What differs between releases of Kubernetes; the other files have what is common to all.

# The release that `programs` builds, and that is meant unless KUBERNETES says otherwise.
readonly built_release=1.20

readonly kubernetes_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl)

# Prints the 20 of 1.20.
minor_of() { # DIRECTORY
  local version
  version=$("$1/kube-apiserver" --version) || return
  [[ $version =~ ^Kubernetes\ v1\.([0-9]+)\. ]] && echo "${BASH_REMATCH[1]}"
}

# etcd and containerd of bookworm are 3.4 and 1.6. Later kubelets want to hear of control groups from containerd 2.
suite_of_services() { # MINOR
  if [ "$1" -lt 27 ]; then echo bookworm; else echo forky; fi
}

set_control_plane_options() { # MINOR
  apiserver_options=() controllers_options=() scheduler_options=()
  # The ports without TLS, gone in 1.24.
  if [ "$1" -lt 24 ]; then
    apiserver_options+=(--insecure-port=0)
    controllers_options+=(--port=0)
    scheduler_options+=(--port=0)
  fi
  # Alpha until 1.20, then on: what the scheduler needs to know of free space, and volumes that a pod's own claim makes.
  if [ "$1" -lt 21 ]; then
    local gates=--feature-gates=CSIStorageCapacity=true,GenericEphemeralVolume=true
    apiserver_options+=("$gates" --runtime-config=storage.k8s.io/v1alpha1=true)
    controllers_options+=("$gates")
    scheduler_options+=("$gates")
  fi
}

# Sets kubelet_options, and kubelet_settings to a part of its configuration in JSON.
set_kubelet_options() { # MINOR
  local endpoint=unix://$containerd_socket
  kubelet_options=() kubelet_settings='{}'
  # 1.27 has these in the configuration only.
  if [ "$1" -ge 27 ]; then
    kubelet_settings=$(jq -n --arg endpoint "$endpoint" --arg plugins "$plugins" --arg logs "$node/pod-logs" '{
      containerRuntimeEndpoint: $endpoint, volumePluginDir: $plugins, podLogsDir: $logs, failCgroupV1: false}')
    return
  fi
  kubelet_options=(--container-runtime=remote --container-runtime-endpoint="$endpoint"
    --image-service-endpoint="$endpoint" --pod-infra-container-image=localhost/pause:1
    --volume-plugin-dir="$plugins")
  if [ "$1" -lt 21 ]; then kubelet_settings='{"featureGates": {"GenericEphemeralVolume": true}}'; fi
}

# Prints what of daemonset/ is for this release.
installation_for() { # MINOR
  if [ "$1" -lt 21 ]; then echo daemonset/overlays/kubernetes-1.20; else echo daemonset; fi
}
