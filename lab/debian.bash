# shellcheck shell=bash
# Packages of Debian bookworm, unpacked and not installed, whatever this machine runs. Needs no root.

# The mirror of Debian that this machine uses, or Debian's own.
debian_mirror() {
  local uri
  uri=$(apt-get indextargets --format "\$(REPO_URI)" 'Codename: bookworm' 'Origin: Debian' 2>/dev/null |
    grep -v -e security -e '^file:' | head -n 1) || true
  printf '%s' "${uri:-http://deb.debian.org/debian}"
}

# Makes an apt of our own below DIRECTORY, for every apt-get after it in this process. It takes no packages for
# installed, so that what it resolves is complete.
prepare_apt() { # DIRECTORY SUITE...
  local apt=$1 mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite archive
  shift
  mirror=$(debian_mirror)
  [ -f "$keyring" ] || { echo "$keyring is missing (package debian-archive-keyring)" >&2 && return 1; }
  mkdir -p "$apt"/{lists/partial,cache/archives/partial}
  : >"$apt/status"
  for suite in "$@"; do
    archive=${mirror%/}
    [[ $suite != *-security ]] || archive=${archive%/debian}/debian-security
    printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' \
      "$archive" "$suite" "$keyring"
  done >"$apt/debian.sources"
  cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/debian.sources";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::State::Status "$apt/status";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Debug::NoLocking "true";
CONF
  export APT_CONFIG=$apt/apt.conf
  apt-get -qq update
}

# Fetches packages, without what they depend on, and unpacks them.
unpack_packages() { # DIRECTORY PACKAGE...
  local directory=$1 packages=$1.packages
  shift
  mkdir -p "$packages"
  (cd "$packages" && apt-get -qq download "$@") || return
  unpack_archives "$packages" "$directory" || return
  rm -rf "$packages"
}

# Fetches packages with everything that they depend on, and unpacks them.
unpack_closure() { # DIRECTORY PACKAGE...
  local directory=$1
  shift
  apt-get -qq --yes --no-install-recommends --download-only install "$@" || return
  unpack_archives "$(dirname "$APT_CONFIG")/cache/archives" "$directory"
}

unpack_archives() { # FROM TO
  local archive
  mkdir -p "$2"
  for archive in "$1"/*.deb; do dpkg-deb -x "$archive" "$2" || return; done
}
