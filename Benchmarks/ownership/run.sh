#!/usr/bin/env bash
# Giving a volume's files to a pod's group, against chgrp -R and chmod -R on the same tree. Needs root.
#
#   BUILD=DIRECTORY   where the build is, .build unless told
#   FILES=100000      files in the tree, 100 to a directory
#   ROUNDS=5          runs of each kind
#   SCRATCH=/dev/shm  where the tree is made
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source-path=SCRIPTDIR source=../common.bash
. Benchmarks/common.bash

readonly files=${FILES:-100000} rounds=${ROUNDS:-5} group=2000
products=${products:-${BUILD:-.build}/release}
[ "$(id -u)" = 0 ] || give_up "needs root"
[ -x "$products/ownership-benchmark" ] || give_up "no $products/ownership-benchmark: make build"
scratch=$(mktemp -d "${SCRATCH:-/dev/shm}/ownership-XXXXXX")
readonly scratch tree=$scratch/tree
trap 'rm -rf "$scratch"' EXIT

make_tree() {
  local index
  for ((index = 0; index < files / 100; index++)); do
    mkdir -p "$tree/$((index % 30))/$index"
    touch "$tree/$((index % 30))/$index/"{0..99}
  done
}

reset_tree() { chgrp -R 0 "$tree" && chmod -R u=rwX,g=rX,o=rX,g-s "$tree"; }

by_tools() {
  chgrp -R "$group" "$tree" && chmod -R g+rwX "$tree"
  find "$tree" -type d -exec chmod g+s {} +
}
by_group_and_mode() { chgrp -R "$group" "$tree" && chmod -R g+rwX "$tree"; }
by_library() { "$products/ownership-benchmark" "$tree" "$group"; }

measure() { # COMMAND, into `elapsed`
  local began samples=() round
  for ((round = 0; round < rounds; round++)); do
    [ "$2" = again ] || reset_tree
    now; began=$now
    "$1"
    now; samples+=($((now - began)))
  done
  elapsed=$(median "${samples[@]}")
}

make_tree
by_library
if [ -n "$(find "$tree" ! -gid "$group" -print -quit)" ]; then give_up "the walk left something out"; fi
echo "$files files, $(nproc) processor(s), Linux $(uname -r), $(date -u +%Y-%m-%d)"
measure by_group_and_mode fresh; tools=$elapsed
measure by_tools fresh; complete=$elapsed
measure by_library fresh; ours=$elapsed
measure by_group_and_mode again; tools_again=$elapsed
measure by_library again; again=$elapsed
echo "chgrp -R and chmod -R      $(milliseconds "$tools") ms, again $(milliseconds "$tools_again") ms"
echo "with set-group-ID as well  $(milliseconds "$complete") ms"
echo "VolumeHost                 $(milliseconds "$ours") ms, again $(milliseconds "$again") ms"
verdict "the walk against chgrp -R and chmod -R, a fresh tree" "$(ratio "$ours" "$tools")" 1.00
verdict "the same where all is right already" "$(ratio "$again" "$tools_again")" 1.00
finish
