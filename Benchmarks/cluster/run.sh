#!/usr/bin/env bash
# What we cost a cluster, on a real Kubernetes 1.20: requests and time per claim, memory beside 10,000 volumes, and how much
# later a pod starts. Needs root for the last of these; `make bench-cluster` builds what it needs.
#
#   SECTIONS='claims memory pods'   which of them; claims-unbounded is claims without the rate limits of Kubernetes' clients
#   BUILD=DIRECTORY   where the release build is, .build unless told
#   CLAIMS=500        claims
#   OBJECTS=10000     volumes, and as many claims, that the memory is measured beside; those of one node are the daemon's own
#   NODES=100         nodes that they are spread over
#   ROUNDS=12         pods of each kind
#   ENGINE=file       where the volumes of `memory` come from; lvm in the lab
#
# Exit status: 0; 1 when a target is missed; 2 when something could not be measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source-path=SCRIPTDIR source=../common.bash
. Benchmarks/common.bash
# shellcheck source-path=SCRIPTDIR source=bench-cluster.bash
. Benchmarks/cluster/bench-cluster.bash
# shellcheck source-path=SCRIPTDIR source=claims.bash
. Benchmarks/cluster/claims.bash
# shellcheck source-path=SCRIPTDIR source=memory.bash
. Benchmarks/cluster/memory.bash
# shellcheck source-path=SCRIPTDIR source=pods.bash
. Benchmarks/cluster/pods.bash

read -r -a sections <<<"${SECTIONS:-claims claims-unbounded memory pods}"
for program in elastic-local elastic-local-node elastic-local-provisioner cluster-benchmark; do
  [ -x "$release/$program" ] || give_up "no $release/$program: run make build, or make bench-cluster"
done
printf 'machine: %s, %s processor(s), Linux %s, lab %s, Kubernetes 1.20.2, %s\n' "${LAB_PROCESSOR-$(processor)}" "$(nproc)" \
  "$(uname -r)" "${LAB_KIND:-none}" "$(date -u +%Y-%m-%d)"
load
for section in "${sections[@]}"; do
  case $section in
    claims) measure_claims ;;
    claims-unbounded) measure_claims 1000 ;;
    memory) measure_memory ;;
    pods) measure_pods ;;
    *) give_up "no section '$section'" ;;
  esac
done
echo
load
finish
