#!/usr/bin/env bash
# The ways to a genuine API server: authorities, names, certificates that change, proxies, credentials of every sort.
# shellcheck disable=SC2154  # lib.sh sets them
. "$(dirname "$0")/lib.sh"

doctor() {
	binnacle doctor "$@" 2>&1
}

# kubeconfig NAME CLUSTER USER: both in flow form; prints the file's name
kubeconfig() {
	printf 'clusters: [{name: c, cluster: {server: "%s"%s}}]\nusers: [{name: u, user: {%s}}]\n%s\n' \
		"${SERVER:-$API_URL}" "${2:+, $2}" "$3" \
		'contexts: [{name: x, context: {cluster: c, user: u}}]' >"$scratch/$1"
	echo 'current-context: x' >>"$scratch/$1"
	echo "$scratch/$1"
}

ca="certificate-authority: $CA_FILE"
for context in admin admin-by-file admin-insecure token-admin viewer viewer-by-file; do
	like "context $context is let in" 'ok +authenticated' "$(doctor --context "$context")"
done
like "acting as another user is told" 'ok +authenticated +as viewer' "$(doctor --context admin-as-viewer)"
like "an expired token is refused, with a remedy" '401|Unauthorized|credentials' "$(doctor --context expired)"

like "an unknown authority is not trusted" 'no trust in the API server' "$(doctor --kubeconfig "$(kubeconfig none '' 'token: x')")"
like "a name that the certificate lacks is told" 'no trust in the API server.*' \
	"$(doctor --kubeconfig "$(kubeconfig name "$ca, tls-server-name: other.example" 'token: x')")"
like "and what to set" 'tls-server-name' \
	"$(doctor --kubeconfig "$(kubeconfig name "$ca, tls-server-name: other.example" 'token: x')")"
like "a name that it has is taken" 'ok +authenticated' \
	"$(doctor --kubeconfig "$(kubeconfig name "$ca, tls-server-name: kubernetes" "token: $TOKEN_ADMIN")")"
like "http to a port of TLS is told" 'answered 400|does not speak' \
	"$(SERVER=${API_URL/https/http} doctor --kubeconfig "$(SERVER=${API_URL/https/http} kubeconfig plain '' 'token: x')")"
unlike "no token is in any sentence" "$TOKEN_ADMIN" \
	"$(doctor --kubeconfig "$(kubeconfig none '' "token: $TOKEN_ADMIN")")"

check "the certificate changes to another authority's" servers rotate-cert --new-ca
like "it is not trusted" 'no trust in the API server.*' "$(doctor)"
check "the first authority's again" servers rotate-cert
check "is trusted again" within 30 doctor

local_url=https://localhost:${API_URL##*:}
through_proxy() { # HOW [ARGUMENT]... of proxy.py
	local how=$1 config seen="" fd
	shift
	coproc proxy { exec python3 "$live_tests/proxy.py" "$@" 2>/dev/null; }
	proxy_pid=$proxy_PID fd=${proxy[0]}
	read -r port <&"$fd"
	config=$(SERVER=$local_url kubeconfig proxied "$ca, proxy-url: '$how://localhost:$port'" "token: $TOKEN_ADMIN")
	like "through a proxy ($how)" 'ok +authenticated' "$(doctor --kubeconfig "$config")"
	read -r -t 30 seen <&"$fd"
	equal "which looks the name up itself ($how)" "${how/http*/connect} localhost:${API_URL##*:}" "$seen"
	if [[ $how == https ]]; then
		config=$(SERVER=$local_url kubeconfig proxied "certificate-authority: $LIVE/pki/other-ca.crt, proxy-url: '$how://localhost:$port'" 'token: x')
		unlike "a proxy of an unknown authority is not trusted ($how)" 'ok +authenticated' "$(doctor --kubeconfig "$config")"
	fi
	kill "$proxy_pid"
	wait "$proxy_pid" 2>/dev/null
}
through_proxy http
through_proxy socks5
through_proxy https "$LIVE/pki/apiserver.crt" "$LIVE/pki/apiserver.key"
like "a proxy that is gone is told" 'cannot be reached|broke|no such' \
	"$(doctor --kubeconfig "$(kubeconfig proxied "$ca, proxy-url: 'http://localhost:$port'" "token: $TOKEN_ADMIN")")"

# In a pod: a token, an authority and a namespace in a folder that is there for this one process only.
if unshare -m true 2>/dev/null; then
	kubectl -n team-a create token default >"$scratch/token"
	like "as a pod's service account" 'ok +authenticated.*team-a' "$(unshare -m bash -c '
		mount -t tmpfs none /run && mkdir -p /var/run/secrets/kubernetes.io/serviceaccount &&
		cd /var/run/secrets/kubernetes.io/serviceaccount && cp "$1/token" token && cp "$2" ca.crt && printf team-a >namespace &&
		cd / && KUBECONFIG= KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=${3##*:} exec timeout 60 "$4" doctor 2>&1
		' - "$scratch" "$CA_FILE" "$API_URL" "$BINNACLE")"
else
	skip "as a pod's service account" "no mount namespace can be made here"
fi

cat >"$scratch/plugin" <<EOF
#!/bin/sh
echo run >>"$scratch/runs"
n=\$(wc -l <"$scratch/runs")
[ "\$n" -gt 1 ] && token=$TOKEN_ADMIN || token=stale
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "\$token"
EOF
chmod +x "$scratch/plugin"
exec_user='exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, interactiveMode: Never}'
like "a plugin's refused token is renewed by itself" 'ok +authenticated' \
	"$(doctor --kubeconfig "$(kubeconfig with-plugin "$ca" "$exec_user")")"
equal "by one more run" 2 "$(wc -l <"$scratch/runs")"
finish
