# shellcheck shell=bash disable=SC2154  # variables are those of the scripts beside this one
# Claims from their creation to Bound, and what they cost the API server.

readonly claims=${CLAIMS:-500}
readonly nodes=(bench1 bench2 bench3 bench4)
# Beside claims whose volumes are there already. Noise, and two requests more for each: the PV, and what is noted on it.
readonly time_limit=1.5
readonly capacity_limit=12 # a minute, node and class: one in five seconds

measure_claims() { # [RATE]
  local name plain ours times=() before rate='rate limits as ever, 50 and 20 a second'
  start_cluster CLUSTER_AUDIT=1 CLUSTER_CLIENT_RATE="${1-}"
  for name in "${nodes[@]}"; do
    lab_cluster add-simulated-node "$name"
    run_daemon "$name" simulated
  done
  run_provisioner
  local_class
  quietly "$release/cluster-benchmark" local "$claims" bench-local "${nodes[@]}"
  settle
  times+=("$(timestamp)")
  plain=$("$release/cluster-benchmark" claims "$claims" bench-local plain) || give_up "claims of local volumes: $plain"
  settle
  times+=("$(timestamp)")
  before=$(counted_by_us)
  ours=$("$release/cluster-benchmark" claims "$claims" elastic-local ours) || give_up "claims of ours: $ours"
  settle
  times+=("$(timestamp)")
  [ -z "${1-}" ] || rate='as good as no rate limits'
  printf '\n%s claims with a pod each, made at once; %s nodes that are objects; scheduler and controllers: %s\n' "$claims" \
    "${#nodes[@]}" "$rate"
  report_times "$plain" "$ours"
  report_requests "${times[@]}" $(($(counted_by_us) - before))
  end_cluster
}

# Until our programs have asked for nothing for longer than a daemon puts off what it publishes.
settle() {
  local before after=-1
  while
    before=$after
    sleep 7
    after=$(counted_by_us)
    [ "$before" != "$after" ]
  do :; done
}

# What our programs say that they have asked, but for leases, which are renewed all the time, and watches, which the audit
# log has when they end.
counted_by_us() {
  local name
  for name in provisioner "${nodes[@]}"; do scrape "$name"; done |
    awk 'index($1, "elastic_local_api_requests_total{") == 1 && !/verb="watch"|resource="leases"/ { sum += $2 }
      END { print sum + 0 }'
}

# --- time -----------------------------------------------------------------------------------------------------------

time_row() { # TEXT ALL MAKING MEDIAN P95 LONGEST
  local figure
  printf '  %-46s' "$1"
  for figure in "$2" "$4" "$5" "$6"; do printf ' %8s' "$(milliseconds "$figure")"; done
  printf ' %10s\n' "$(awk "BEGIN { printf \"%.1f\", $claims * 1000 / $2 }")"
}

report_times() { # PLAIN OURS: what cluster-benchmark printed
  local plain ours
  read -r -a plain <<<"$1"
  read -r -a ours <<<"$2"
  printf '  %-46s %8s %8s %8s %8s %10s\n' 'created to Bound, in s' 'all' median '95 %' longest 'claims/s'
  time_row 'volumes that were there, bound by Kubernetes' "${plain[@]}"
  time_row 'elastic-local' "${ours[@]}"
  report_own_time
  verdict "time for all of them beside volumes that were there (ratio)" "$(ratio "${ours[0]}" "${plain[0]}")" "$time_limit"
}

# A claim's way to its PV, by its UID: the scheduler chooses a node, the controller-manager hands the claim to us (it writes
# the annotation that names the provisioner), we make the PV. Pairs of microseconds, one for each part.
ways() {
  jq -n -r "$jq_times"'
    reduce (inputs | select(.stage == "ResponseComplete" and .responseStatus.code < 300)) as $event ({};
      $event.objectRef as $object | ($event.stageTimestamp | micros) as $time
      | if [$event.verb, $object.resource, $object.subresource] == ["update", "persistentvolumeclaims", null] then
          if $event.user.username == "system:kube-scheduler" then .chosen[$object.uid] //= $time
          elif .chosen[$object.uid] then .handed[$object.uid] //= $time
          else . end
        elif $event.verb == "create" and $object.resource == "persistentvolumes" and ($object.name | startswith("pvc-"))
        then .made[$object.name[4:]] = $time
        else . end)
    | . as $all | .made | to_entries[]
    | "\($all.handed[.key] - $all.chosen[.key]) \(.value - $all.handed[.key])"' "$directory/logs/audit.log"
}

report_own_time() {
  local handing making
  mapfile -t handing < <(ways | cut -d ' ' -f 1 | sort -n)
  mapfile -t making < <(ways | cut -d ' ' -f 2 | sort -n)
  [ ${#making[@]} = "$claims" ] || give_up "${#making[@]} of $claims PVs are in the audit log"
  printf '  of it, in ms: from a node being chosen to the claim being handed to us: median %s, longest %s\n' \
    "$(milliseconds "$(median "${handing[@]}")")" "$(milliseconds "${handing[-1]}")"
  printf '  %13s from there to the PV being there: median %s, longest %s\n' '' \
    "$(milliseconds "$(median "${making[@]}")")" "$(milliseconds "${making[-1]}")"
}

# --- requests -------------------------------------------------------------------------------------------------------

# How many of `lines`, which `audited` gave; patterns.
requests() { # WHO VERB RESOURCE
  awk -v who="^($1)\$" -v verb="^($2)\$" -v resource="^($3)\$" \
    '$2 ~ who && $3 ~ verb && $4 ~ resource { sum += $1 } END { print sum + 0 }' <<<"$lines"
}

per_claim() { awk "BEGIN { printf \"%.3f\", $1 / $claims }"; } # COUNT

request_row() { # TEXT WHO RESOURCE
  local verb figures=()
  for verb in create update patch delete get list; do figures+=("$(per_claim "$(requests "$2" "$verb" "$3")")"); done
  printf '  %-46s %8s %8s %8s %8s %8s %8s\n' "$1" "${figures[@]}"
}

# What is done by the clock: the lease, and what a node publishes. All else counts as done for a claim.
readonly by_time='leases|nodestorages|csistoragecapacities'

report_requests() { # PLAIN-FROM FROM TO COUNTED-BY-US
  local lines own other any='[^ ]*' kubernetes='scheduler|controllers'
  printf '  %-46s %8s %8s %8s %8s %8s %8s\n' 'requests per claim, from the audit log' create update patch delete get list
  lines=$(audited "$1" "$2")
  request_row 'Kubernetes, volumes that were there' "$kubernetes" "$any"
  lines=$(audited "$2" "$3")
  request_row 'Kubernetes, elastic-local' "$kubernetes" "$any"
  own=$(grep -vE " ($by_time)\$" <<<"$lines")
  lines=$own request_row 'our provisioner' provisioner "$any"
  lines=$own request_row 'our daemons' daemon "$any"
  other=$(requests 'provisioner|daemon' '[^w].*' "$any")
  other=$((other - $(requests 'provisioner|daemon' '[^w].*' leases)))
  report_by_time "$2" "$3"
  lines=$own
  verdict "creates of ours per claim" "$(per_claim "$(requests 'provisioner|daemon' create "$any")")" 1
  verdict "patches and updates of ours per claim" "$(per_claim "$(requests 'provisioner|daemon' 'patch|update' "$any")")" 1
  # The daemon reads the PV before it creates the volume.
  verdict "other requests of ours per claim, watches aside" \
    "$(per_claim "$(requests 'provisioner|daemon' 'get|list|delete|deletecollection' "$any")")" 1
  verdict "requests that our metrics have and the audit log has not, or the reverse" "$(($4 > other ? $4 - other : other - $4))" 0
}

report_by_time() { # FROM TO
  local minutes capacity
  minutes=$(jq -n --arg from "$1" --arg to "$2" "$jq_times"'(($to | micros) - ($from | micros)) / 60000000')
  capacity=$(requests provisioner '[^w].*' csistoragecapacities)
  awk -v minutes="$minutes" -v nodes="${#nodes[@]}" -v leases="$(requests provisioner '[^w].*' leases)" \
    -v said="$(requests daemon '[^w].*' nodestorages)" -v watches="$(requests 'provisioner|daemon' watch '[^ ]*')" 'BEGIN {
      printf "  not by claim, in these %.1f minutes, a minute: lease %.1f; what a node says %.1f; watches begun anew %.1f\n",
        minutes, leases / minutes, said / minutes / nodes, watches / minutes }'
  verdict "room published for the scheduler, requests a minute and node" \
    "$(awk "BEGIN { printf \"%.1f\", $capacity / $minutes / ${#nodes[@]} }")" "$capacity_limit"
}
