# shellcheck shell=bash
# Certificates, tokens and kubeconfigs of one set of servers. Sourced by servers.sh.

new_key() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

# sign NAME SUBJECT EXTENSIONS [CA]
sign() {
	local ca=$dir/pki/${4:-ca}
	new_key "$dir/pki/$1.key"
	openssl req -new -key "$dir/pki/$1.key" -subj "$2" |
		openssl x509 -req -days 30 -CA "$ca.crt" -CAkey "$ca.key" -set_serial "0x$(random_word)" \
			-extfile <(echo "$3") -out "$dir/pki/$1.crt" 2>/dev/null
}

new_ca() {
	new_key "$dir/pki/$1.key"
	openssl req -x509 -new -key "$dir/pki/$1.key" -days 30 -subj "/CN=binnacle live $1" \
		-addext keyUsage=critical,keyCertSign,cRLSign -out "$dir/pki/$1.crt"
}

server_names=subjectAltName=IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc

make_pki() {
	local pki=$dir/pki
	chmod 700 "$pki"
	new_ca ca
	new_ca other-ca
	sign apiserver /CN=kube-apiserver "$server_names"
	sign admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
	sign front-proxy /CN=front-proxy extendedKeyUsage=clientAuth
	openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
	openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
	cat >"$pki/tokens.csv" <<-TOKENS
		$TOKEN_ADMIN,root-by-token,1,"system:masters"
		$TOKEN_VIEWER,viewer,2,"viewers"
		$TOKEN_TEAM_A,alice,3,"team-a"
		$TOKEN_NOBODY,nobody,4,"strangers"
	TOKENS
}

base64_of() {
	base64 -w0 <"$dir/pki/$1"
}

# One context for each way in: certificate (inline and by file), token (inline and by file), rights.
make_kubeconfigs() {
	local user cluster
	printf '%s' "$TOKEN_VIEWER" >"$dir/pki/viewer.token"
	cluster="certificate-authority-data: $(base64_of ca.crt)"
	cat >"$dir/kubeconfig" <<-CONFIG
		apiVersion: v1
		kind: Config
		current-context: admin
		clusters:
		- name: live
		  cluster:
		    server: https://127.0.0.1:$PORT_API
		    $cluster
		- name: live-by-file
		  cluster:
		    server: https://127.0.0.1:$PORT_API
		    certificate-authority: pki/ca.crt
		    tls-server-name: kubernetes.default.svc
		- name: live-insecure
		  cluster:
		    server: https://127.0.0.1:$PORT_API
		    insecure-skip-tls-verify: true
		users:
		- name: admin
		  user:
		    client-certificate-data: $(base64_of admin.crt)
		    client-key-data: $(base64_of admin.key)
		- name: admin-by-file
		  user:
		    client-certificate: pki/admin.crt
		    client-key: pki/admin.key
		- name: token-admin
		  user:
		    token: $TOKEN_ADMIN
		- name: viewer
		  user:
		    token: $TOKEN_VIEWER
		- name: viewer-by-file
		  user:
		    tokenFile: pki/viewer.token
		- name: team-a
		  user:
		    token: $TOKEN_TEAM_A
		- name: nobody
		  user:
		    token: $TOKEN_NOBODY
		- name: expired
		  user:
		    token: not-a-token-any-more
		- name: admin-as-viewer
		  user:
		    token: $TOKEN_ADMIN
		    as: viewer
		    as-groups: [viewers]
		contexts:
		- name: admin
		  context: {cluster: live, user: admin}
		- name: admin-by-file
		  context: {cluster: live-by-file, user: admin-by-file}
		- name: admin-insecure
		  context: {cluster: live-insecure, user: token-admin}
		- name: team-a
		  context: {cluster: live, user: team-a, namespace: team-a}
	CONFIG
	for user in token-admin viewer viewer-by-file nobody expired admin-as-viewer; do
		printf -- '- name: %s\n  context: {cluster: live, user: %s}\n' "$user" "$user"
	done >>"$dir/kubeconfig"
	chmod 600 "$dir/kubeconfig"
	"$bin/kubectl" --kubeconfig "$dir/kubeconfig" config view --raw --minify >"$dir/pki/internal.kubeconfig"
}

# The API server reads the files again by itself; key and certificate are replaced together.
rotate_cert() {
	local pki=$dir/pki
	sign next /CN=kube-apiserver "$server_names" "${1}ca"
	mv "$pki/next.key" "$pki/apiserver.key"
	mv "$pki/next.crt" "$pki/apiserver.crt"
	local want tenths=0
	want=$(openssl x509 -in "$pki/apiserver.crt" -noout -fingerprint)
	until [[ $(openssl s_client -connect "127.0.0.1:$PORT_API" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint 2>/dev/null) == "$want" ]]; do
		((tenths++ < 900)) || die "the API server still shows its old certificate"
		sleep 0.1
	done
}
