# shellcheck shell=bash disable=SC2154  # the variables are those of `cluster`, which sources this file
# Who is who in the cluster: its certificate authorities, certificates, tokens and kubeconfigs, all made once.

# openssl's own configuration would add extensions of its taste.
certificate() { # NAME SUBJECT [OPTION]...
  local path=$directory/pki/$1 subject=$2
  shift 2
  [ ! -s "$path.crt" ] || return 0
  openssl req -x509 -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') -newkey ec \
    -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "$subject" -keyout "$path.key" \
    -out "$path.crt.new" "$@" 2>"$directory/pki/openssl.log" || fail "openssl: $(cat "$directory/pki/openssl.log")"
  chmod 0600 "$path.key"
  mv "$path.crt.new" "$path.crt"
}

authority() { # NAME
  certificate "$1" "/CN=elastic-local-test-$1" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}

signed_certificate() { # AUTHORITY NAME SUBJECT USAGE [OPTION]...
  local authority=$directory/pki/$1 name=$2 subject=$3 usage=$4
  shift 4
  certificate "$name" "$subject" -CA "$authority.crt" -CAkey "$authority.key" -addext basicConstraints=CA:FALSE \
    -addext keyUsage=digitalSignature,keyEncipherment -addext "extendedKeyUsage=$usage" "$@"
}

# In the JSON form, which is YAML as well.
kubeconfig() { # NAME CERTIFICATE
  jq -n --arg server "https://127.0.0.1:$apiserver_port" --arg pki "$directory/pki" --arg name "$2" '{
    apiVersion: "v1", kind: "Config", "current-context": "test",
    clusters: [{name: "test", cluster: {server: $server, "certificate-authority": "\($pki)/ca.crt"}}],
    users: [{name: $name, user:
      {"client-certificate": "\($pki)/\($name).crt", "client-key": "\($pki)/\($name).key"}}],
    contexts: [{name: "test", context: {cluster: "test", user: $name}}]}' >"$directory/$1.json"
  chmod 0600 "$directory/$1.json"
}

make_tokens() {
  [ ! -s "$directory/pki/tokens.csv" ] || return 0
  (umask 077 && printf '%s,%s\n' "$(openssl rand -hex 16)" 'admin,1,"system:masters"' \
    "$(openssl rand -hex 16)" powerless,2 >"$directory/pki/tokens.csv")
}

token() { # USER
  awk -F , -v user="$1" '$2 == user { print $1 }' "$directory/pki/tokens.csv"
}

make_service_account_key() {
  local key=$directory/pki/service-account.key
  [ ! -s "$key" ] || return 0
  (umask 077 && openssl genrsa -out "$key.new" 2048 2>/dev/null)
  mv "$key.new" "$key"
}

make_identities() {
  local alternatives=IP:127.0.0.1,IP:$service_address,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default
  alternatives+=,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
  mkdir -p "$directory/pki"
  authority ca
  authority front-proxy-ca
  signed_certificate ca apiserver /CN=kube-apiserver serverAuth -addext "subjectAltName=$alternatives"
  signed_certificate ca admin /O=system:masters/CN=admin clientAuth
  signed_certificate ca controller-manager /CN=system:kube-controller-manager clientAuth
  signed_certificate ca scheduler /CN=system:kube-scheduler clientAuth
  signed_certificate ca kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
  signed_certificate front-proxy-ca front-proxy-client /CN=front-proxy-client clientAuth
  make_service_account_key
  make_tokens
  kubeconfig kubeconfig admin
  kubeconfig controller-manager controller-manager
  kubeconfig scheduler scheduler
}
