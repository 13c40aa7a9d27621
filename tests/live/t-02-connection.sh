#!/usr/bin/env bash
# The ways to a genuine API server: authorities, names, certificates that change, proxies, credentials of every sort.
# shellcheck disable=SC2154  # lib.sh sets them
# limit: 240
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

coproc proxy { exec python3 "$live_tests/proxy.py" 2>/dev/null; }
proxy_pid=$proxy_PID
read -r port <&"${proxy[0]}"
local_url=https://localhost:${API_URL##*:}
for how in http socks5; do
	config=$(SERVER=$local_url kubeconfig proxied "$ca, proxy-url: '$how://127.0.0.1:$port'" "token: $TOKEN_ADMIN")
	like "through a proxy ($how)" 'ok +authenticated' "$(doctor --kubeconfig "$config")"
	seen=""
	read -r -t 5 seen <&"${proxy[0]}"
	equal "which looks the name up itself ($how)" "${how/http/connect} localhost:${API_URL##*:}" "$seen"
	while read -r -t 0.2 seen <&"${proxy[0]}"; do :; done
done
kill "$proxy_pid"
like "a proxy that is gone is told" 'cannot be reached|broke|no such' \
	"$(doctor --kubeconfig "$(kubeconfig proxied "$ca, proxy-url: 'http://127.0.0.1:$port'" "token: $TOKEN_ADMIN")")"

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
