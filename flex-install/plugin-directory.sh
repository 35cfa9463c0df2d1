# shellcheck shell=sh disable=SC2154,SC2034  # host_root is install.sh's, which sources this file and uses the rest
# Which directory the kubelet of a node looks for FlexVolume drivers in. Nothing here changes anything.
#
# What counts, in this order: the arguments of a kubelet that runs, the configuration that it was given (the files in its
# --config-dir over its --config), what would start one (service files, environment files, a distribution's own configuration), the known directories that exist.

readonly default_plugin_dir=/usr/libexec/kubernetes/kubelet-plugins/volume/exec

# Names for --plugin-dir, and where such a node has the directory. The order says how much an existing one tells: the
# kubelet's own default comes last, since packages create it also where a distribution moved it.
readonly layouts="
gke /home/kubernetes/flexvolume
openshift /etc/kubernetes/kubelet-plugins/volume/exec
aks /etc/kubernetes/volumeplugins
k0s /usr/libexec/k0s/kubelet-plugins/volume/exec
bottlerocket /var/lib/kubelet/plugins/volume/exec
rke /var/lib/kubelet/volumeplugins
rke2 /var/lib/kubelet/volumeplugins
flatcar /var/lib/kubelet/volumeplugins
kubespray-custom /var/lib/kubelet/volume-plugins
k3s $default_plugin_dir
kubespray $default_plugin_dir
default $default_plugin_dir
"

# Where a --volume-plugin-dir stands when no kubelet is to be seen: kubeadm, Debian's and Red Hat's packages, kubespray,
# service files; k3s and RKE2 in words `kubelet-arg: volume-plugin-dir=…` of theirs.
readonly flag_files="
/var/lib/kubelet/kubeadm-flags.env
/etc/default/kubelet
/etc/sysconfig/kubelet
/etc/kubernetes/kubelet.env
/etc/systemd/system/kubelet.service
/etc/systemd/system/kubelet.service.d/*.conf
/usr/lib/systemd/system/kubelet.service
/usr/lib/systemd/system/kubelet.service.d/*.conf
/etc/rancher/k3s/config.yaml
/etc/rancher/k3s/config.yaml.d/*.yaml
/etc/systemd/system/k3s.service
/etc/systemd/system/k3s-agent.service
/etc/rancher/rke2/config.yaml
/etc/rancher/rke2/config.yaml.d/*.yaml
"

# Where a KubeletConfiguration is: kubeadm, GKE, OpenShift, kubespray, Talos, k0s.
readonly configuration_files="
/var/lib/kubelet/config.yaml
/home/kubernetes/kubelet-config.yaml
/etc/kubernetes/kubelet.conf
/etc/kubernetes/kubelet-config.yaml
/etc/kubernetes/kubelet.yaml
/var/lib/k0s/kubelet-config.yaml
"

# The directory of layout $1; fails when there is none of that name.
layout_dir() {
  printf '%s\n' "$layouts" | awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }'
}

layout_names() { printf '%s\n' "$layouts" | awk 'NF { printf "%s%s", sep, $1; sep = " " }'; }

# The names of layouts that have directory $1.
origin_of() {
  printf '%s\n' "$layouts" | awk -v dir="$1" '$2 == dir { printf "%s%s", sep, $1; sep = ", " }'
}

# Sets process and arguments, one a line, to those of the running kubelet, or of k3s, which has one within; fails when
# there is neither. hyperkube has the name second. k3s hides its arguments: there is only the first of them.
find_kubelet() {
  for process in "$host_root"/proc/[0-9]*; do
    [ -r "$process/cmdline" ] || continue
    # It may have ended meanwhile.
    arguments=$({ tr '\0' '\n' <"$process/cmdline"; } 2>/dev/null) || continue
    first=$(printf '%s\n' "$arguments" | sed -n 1p)
    second=$(printf '%s\n' "$arguments" | sed -n 2p)
    case ${first##*/}:$second in
      kubelet:* | hyperkube:kubelet) return 0 ;;
      k3s:server | k3s:agent | "k3s server"* | "k3s agent"*) return 0 ;;
    esac
  done
  return 1
}

# The value of flag $1 among arguments on standard input, as --flag=value or --flag value, or within k3s's
# --kubelet-arg. The last one counts.
flag_value() {
  awk -v flag="--$1" -v bare="$1" '
    wanted { value = $0; wanted = 0; next }
    { sub(/^--kubelet-arg=/, ""); if (index($0, bare "=") == 1) $0 = "--" $0 }
    $0 == flag { wanted = 1; next }
    index($0, flag "=") == 1 { value = substr($0, length(flag) + 2) }
    END { print value }'
}

# The value of volumePluginDir in the kubelet configuration $1, YAML or JSON; empty when there is none. One that is set to
# nothing means the default.
configured_dir() {
  [ -r "$1" ] || return 0
  sed -n 's/^.*"\{0,1\}volumePluginDir"\{0,1\}[[:space:]]*:[[:space:]]*"\{0,1\}\([^",}#]*\).*$/\1/p' "$1" |
    sed "s/^'//; s/'\{0,1\}[[:space:]]*\$//" | tail -n 1 | sed "s|^\$|$default_plugin_dir|; s|^null\$|$default_plugin_dir|"
}

# Reads the directory $1 of a --config-dir as a kubelet does: *.conf there and below, in the order of their names as bytes.
# Prints a line for each file that sets volumePluginDir, `VALUE FILE`, and `unread FILE` for what cannot be read.
drop_ins() {
  # shellcheck disable=SC2012  # the image has no find; a file whose name has a line break is none of a kubelet's
  LC_ALL=C ls -A "$1" | while IFS= read -r entry; do
    if [ -d "$1/$entry" ] && [ ! -L "$1/$entry" ]; then
      drop_ins "$1/$entry"
      continue
    fi
    case $entry in
      *.conf) ;;
      *) continue ;;
    esac
    if [ ! -r "$1/$entry" ]; then printf 'unread %s\n' "$1/$entry" && continue; fi
    value=$(configured_dir "$1/$entry")
    [ -z "$value" ] || printf '%s %s\n' "$value" "$1/$entry"
  done
}

# Sets chosen and dropped_in, its file, from the directory $1 of a --config-dir. What cannot be read makes it doubtful,
# unless a later file decides.
apply_drop_ins() {
  dropped_in=''
  while read -r value file; do
    if [ "$value" = unread ]; then
      doubtful="the kubelet's configuration ${file#"$root"} cannot be read from here"
    elif [ -n "$value" ]; then
      chosen=$value dropped_in=$file doubtful=''
    fi
  done <<VALUES
$(drop_ins "$1")
VALUES
}

# The value of flag $1, a directory, in the file $2, whatever its kind: `…=value` or `… value`, quoted or not. Comments do
# not count.
mentioned_dir() {
  [ -r "$2" ] || return 0
  sed 's/^[[:space:]]*[#;].*//' "$2" |
    sed -n "s/^.*$1[= ][\"']\{0,1\}\(\/[^\"' \\]*\).*\$/\1/p" | tail -n 1
}

# Sets mentioned to the value of flag $1 in the first of flag_files that has it, and file to that one; fails when none has.
find_mentioned() {
  for pattern in $flag_files; do
    # shellcheck disable=SC2086  # the pattern is meant
    for file in "$host_root"$pattern; do
      mentioned=$(mentioned_dir "$1" "$file")
      [ -z "$mentioned" ] || return 0
    done
  done
  return 1
}

# Sets chosen and reason. Sets doubtful when it is no more than likely.
detect() {
  doubtful=''
  if find_kubelet; then detect_from_kubelet; else detect_from_files; fi
  chosen=${chosen%/}
}

detect_from_kubelet() {
  chosen=$(printf '%s\n' "$arguments" | flag_value volume-plugin-dir)
  if [ -n "$chosen" ]; then
    reason="--volume-plugin-dir of the running kubelet"
    return 0
  fi
  case $arguments in
    *k3s*) detect_from_k3s && return 0 ;;
  esac
  detect_from_configuration
}

# A kubelet in a container knows files by other paths than the host: what it sees itself comes first. Sets root to where $1
# can be read.
find_root() {
  for root in "$process/root" "$host_root"; do
    [ ! -r "$root$1" ] || return 0
  done
  return 1
}

detect_from_configuration() {
  config=$(printf '%s\n' "$arguments" | flag_value config)
  config_dir=$(printf '%s\n' "$arguments" | flag_value config-dir)
  if [ -n "$config" ] && find_root "$config"; then
    chosen=$(configured_dir "$root$config")
  elif [ -n "$config" ]; then
    doubtful="the kubelet's configuration $config cannot be read from here"
  fi
  reason="volumePluginDir in $config, which the running kubelet was given"
  if [ -n "$config_dir" ] && find_root "$config_dir"; then
    apply_drop_ins "$root${config_dir%/}"
    [ -z "$dropped_in" ] || reason="volumePluginDir in ${dropped_in#"$root"}, which the running kubelet was given"
  elif [ -n "$config_dir" ]; then
    doubtful="the kubelet's configuration directory $config_dir cannot be read from here"
  fi
  [ -n "$chosen" ] || chosen=$default_plugin_dir reason="the running kubelet sets no other than its default"
}

detect_from_k3s() {
  detect_from_flag_files || {
    chosen=$default_plugin_dir
    reason="k3s runs, and no configuration of it sets another than the kubelet's default"
  }
}

detect_from_flag_files() {
  find_mentioned volume-plugin-dir || return 1
  chosen=$mentioned
  reason="volume-plugin-dir in ${file#"$host_root"}"
}

detect_from_files() {
  ! detect_from_flag_files || return 0
  for file in $configuration_files; do
    chosen=$(configured_dir "$host_root$file")
    [ -z "$chosen" ] || { reason="volumePluginDir in $file" && break; }
  done
  if find_mentioned config-dir && [ -d "$host_root$mentioned" ]; then
    root=$host_root
    apply_drop_ins "$root${mentioned%/}"
    [ -z "$dropped_in" ] || reason="volumePluginDir in ${dropped_in#"$root"}"
  fi
  [ -n "$chosen" ] || detect_from_directories
}

detect_from_directories() {
  chosen='' found=''
  for candidate in $(printf '%s\n' "$layouts" | awk 'NF && !seen[$2]++ { print $2 }'); do
    [ -d "$host_root$candidate" ] || continue
    [ -n "$chosen" ] || chosen=$candidate
    found="$found $candidate"
  done
  if [ -z "$chosen" ]; then
    chosen=$default_plugin_dir
    reason="the kubelet's default"
    doubtful="no kubelet is to be seen here, and none of the known directories"
    return 0
  fi
  reason="it exists ($(origin_of "$chosen"))"
  [ "$found" = " $chosen" ] || doubtful="no kubelet is to be seen here, and several directories exist:$found"
}
