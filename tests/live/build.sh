# shellcheck shell=bash
# Builds the genuine servers of the live tests from Go modules, once, into the cache.
# Sourced by servers.sh; needs $here (tests/live) and $bin (where the programs go).

kubernetes_version=v1.34.4
kwok_version=v0.7.0
go_version=1.26.8
metrics_version=v0.9.0
kubernetes_programs=(kube-apiserver kube-controller-manager kube-scheduler kubectl)

# The pins, as one word: whatever could change a program changes it.
build_stamp() {
	cat "$here"/k8s/go.mod "$here"/k8s/go.sum "$here"/etcd/go.mod "$here"/etcd/go.sum |
		{ cat; echo "$kubernetes_version $kwok_version"; } | sha256sum | cut -d' ' -f1
}

build_is_current() {
	[[ -r $bin/.stamp && $(<"$bin/.stamp") == "$(build_stamp)" && -e $bin/.metrics-$metrics_version ]]
}

# Puts a Go that is new enough first in PATH. An older one, such as Debian's, fetches the newer as
# the module that it is published as; module files lose their execute bits.
need_go() {
	local found
	if ! command -v go >/dev/null && [[ -x /usr/local/go/bin/go ]]; then
		PATH=$PATH:/usr/local/go/bin
	fi
	if ! command -v go >/dev/null; then
		install_go
	fi
	found=$(go env GOVERSION)
	if [[ $(printf '%s\n' "go$go_version" "$found" | sort -V | head -n 1) == "go$go_version" ]]; then
		export GOTOOLCHAIN=local
		return
	fi
	echo "servers: $found is too old, fetching go$go_version" >&2
	found=$(cd "$(mktemp -d)" && go mod download -json \
		"golang.org/toolchain@v0.0.1-go$go_version.$(go env GOOS)-$(go env GOARCH)" |
		sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
	[[ -d $found ]] || { echo "servers: no Go $go_version to be had; install it" >&2; return 1; }
	chmod -R a+x "$found/bin" "$found/pkg/tool"
	export PATH=$found/bin:$PATH GOROOT=$found GOTOOLCHAIN=local
}

install_go() {
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		echo "servers: no Go toolchain; install one (Debian: apt-get install golang-go)" >&2
		return 1
	fi
	echo "servers: installing golang-go" >&2
	apt-get install -y -q golang-go >&2 || { apt-get update -q && apt-get install -y -q golang-go; } >&2
}

build_step() {
	local name=$1 began=$SECONDS
	shift
	echo "servers: building $name" >&2
	"$@"
	echo "servers: built $name in $((SECONDS - began)) s" >&2
}

build_etcd() {
	cd "$here/etcd"
	go build -trimpath -ldflags '-s -w' "${jobs[@]}" -o "$bin/etcd" go.etcd.io/etcd/server/v3
}

build_kubernetes() {
	local base=k8s.io/component-base/version version=${kubernetes_version#v} flags
	flags="-s -w -X $base.gitVersion=$kubernetes_version -X $base.gitMajor=${version%%.*}"
	version=${version#*.}
	flags+=" -X $base.gitMinor=${version%%.*}"
	cd "$here/k8s"
	go build -trimpath -ldflags "$flags" "${jobs[@]}" -o "$bin/" "${@/#/k8s.io/kubernetes/cmd/}"
}

build_kwok() {
	cd "$bin"
	GOBIN=$bin go install -trimpath -ldflags '-s -w' "${jobs[@]}" \
		"sigs.k8s.io/kwok/cmd/kwok@$kwok_version"
}

# Only `up --metrics` needs it.
build_metrics() {
	cd "$bin"
	GOBIN=$bin go install -trimpath -ldflags '-s -w' "${jobs[@]}" \
		"sigs.k8s.io/metrics-server/cmd/metrics-server@$metrics_version"
	touch "$bin/.metrics-$metrics_version"
}

# Two builds at once wait for each other; BINNACLE_JOBS limits the processors used.
servers_build() (
	build_is_current && return
	mkdir -p "$bin"
	exec 9>"$bin/.lock"
	flock 9
	build_is_current && return
	need_go
	local jobs=()
	[[ -n ${BINNACLE_JOBS:-} ]] && jobs=("-p=$BINNACLE_JOBS")
	if [[ -r $bin/.stamp && $(<"$bin/.stamp") == "$(build_stamp)" ]]; then
		build_step metrics-server build_metrics
		return
	fi
	echo "servers: first build; about 12 minutes on two processors" >&2
	build_step etcd build_etcd
	build_step kube-apiserver build_kubernetes kube-apiserver
	build_step "the other Kubernetes programs" build_kubernetes "${kubernetes_programs[@]:1}"
	build_step kwok build_kwok
	build_step metrics-server build_metrics
	build_stamp >"$bin/.stamp"
)
