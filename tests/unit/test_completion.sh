#!/usr/bin/env bash
# The completion scripts are right for their shells, offer what they should, and never run what a kubeconfig says.
set -uo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch XDG_CONFIG_HOME=$scratch
mkdir "$scratch/bin"
ln -s "$BINNACLE" "$scratch/bin/binnacle"
PATH=$scratch/bin:$PATH
n=0 bad=0

equal() {
	n=$((n + 1))
	if [[ $2 == "$3" ]]; then echo "ok $n - $1"; else
		echo "not ok $n - $1"; printf '# want %q\n# got  %q\n' "$2" "$3"; bad=$((bad + 1))
	fi
}

check() {
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then echo "ok $n - $name"; else
		echo "not ok $n - $name"; sed 's/^/# /' <<<"$said"; bad=$((bad + 1))
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

cat >"$scratch/kubeconfig" <<-END
	apiVersion: v1
	kind: Config
	clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
	users: [{name: u, user: {token: t}}]
	contexts:
	- {name: "arn:aws:eks:eu-west-1:1:cluster/prod", context: {cluster: c, user: u}}
	- {name: "x\$(touch $scratch/ran)", context: {cluster: c, user: u}}
END
export KUBECONFIG=$scratch/kubeconfig
for shell in bash zsh fish; do
	binnacle completion "$shell" >"$scratch/$shell"
	equal "a script for $shell" 0 $?
done

# offers WORD...: what bash would offer for the last word
offers() (
	compopt() { :; }
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_binnacle 2>&1
	echo "${COMPREPLY[*]}"
)
check "bash can read its script" bash -n "$scratch/bash"
# shellcheck disable=SC1091
. "$scratch/bash"
equal "sub-commands" "completion config" "$(offers binnacle co | tr ' ' '\n' | sort | xargs)"
equal "kinds" "deployments" "$(offers binnacle get dep)"
equal "behind an option with a value" "deployments" "$(offers binnacle -n get get dep)"
equal "values of an option" "json" "$(offers binnacle get pods -o j)"
equal "values behind =" "dark" "$(offers binnacle --theme = d)"
equal "options of a sub-command" "--size" "$(offers binnacle snapshot --si)"
equal "no options of others" "" "$(offers binnacle doctor --si)"
equal "contexts" 'arn:aws:eks:eu-west-1:1:cluster/prod' "$(offers binnacle --context arn)"
equal "a context's name is no command" "x\\\$\\(touch\\ $scratch/ran\\)" "$(offers binnacle --context x)"

if command -v zsh >/dev/null; then
	check "zsh can read its script" zsh -n "$scratch/zsh"
else
	skip "zsh can read its script" "no zsh"
fi
if command -v fish >/dev/null; then
	check "fish can read its script" fish -n "$scratch/fish"
	ask() { fish --no-config -c "source $scratch/fish; complete -C '$1'" | cut -f1 | sort | xargs; }
	equal "fish: sub-commands" "completion config" "$(ask 'binnacle co')"
	equal "fish: kinds" "deployments" "$(ask 'binnacle get dep')"
	equal "fish: values" "json" "$(ask 'binnacle get pods -o j')"
	equal "fish: contexts" "x\$(touch $scratch/ran)" "$(ask 'binnacle --context x' | sed 's/\\//g')"
else
	skip "fish can read its script" "no fish"
fi
equal "nothing of the kubeconfig ran" no "$([[ -e $scratch/ran ]] && echo yes || echo no)"

# what the program itself prints of its options
for sub in "" get snapshot doctor demo config audit completion tables version; do
	# shellcheck disable=SC2086
	equal "help of '$sub' within 80 columns" "" "$(binnacle $sub --help | awk 'length > 80')"
done
binnacle completion bsh >"$scratch/out" 2>&1
equal "another shell is refused" "2 binnacle: no completion for 'bsh'; there are bash, zsh and fish" \
	"$? $(cat "$scratch/out")"
echo "1..$n"
exit $((bad > 0))
