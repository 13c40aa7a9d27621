#!/usr/bin/env bash
# What README.md and the manual show works: configurations, themes, keymaps, options, targets of make.
set -uo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_STATE_HOME=$scratch
mkdir -p "$scratch"/binnacle/{themes,keymaps}
n=0 bad=0

check() {
	local name=$1 said
	shift
	n=$((n + 1))
	if said=$("$@" 2>&1); then echo "ok $n - $name"; else
		echo "not ok $n - $name"; sed 's/^/# /' <<<"$said"; bad=$((bad + 1))
	fi
}

# example FILE: what stands between .Bd and .Ed
example() {
	sed -n '/^\.Bd/,/^\.Ed/{/^\./d;p}' "$TOP/man/$1"
}

# exits STATUS COMMAND...
exits() {
	local want=$1 status=0
	shift
	"$@" </dev/null || status=$?
	[[ $status == "$want" ]] || { echo "exit status $status, not $want"; return 1; }
}

sed -n '/^```yaml/,/^```/{/^```/d;p}' "$TOP/README.md" >"$scratch/readme.yaml"
example binnacle.yaml.5.in >"$scratch/manual.yaml"
example binnacle-themes.5.in >"$scratch/binnacle/themes/mine.yaml"
example binnacle-keymaps.5.in >"$scratch/binnacle/keymaps/mine.yaml"
for file in readme.yaml manual.yaml binnacle/themes/mine.yaml binnacle/keymaps/mine.yaml; do
	check "there is an example: $file" test -s "$scratch/$file"
done
check "the configuration of README.md" "$BINNACLE" config check --config "$scratch/readme.yaml"
check "the configuration of binnacle.yaml(5)" "$BINNACLE" config check --config "$scratch/manual.yaml"
check "the theme of binnacle-themes(5)" "$BINNACLE" snapshot cluster --seed 1 --size 80x24 --theme mine
sed -n '/^\.Sh MANIFEST/,/^\.Sh WHAT/{/^\.Bd/,/^\.Ed/{/^\./d;p}}' "$TOP/man/binnacle-plugins.7.in" >"$scratch/plugin.yaml"
echo 'sources: {p: {type: plugin, manifest: plugin.yaml}}' >"$scratch/plugins.yaml"
check "the manifest of binnacle-plugins(7)" "$BINNACLE" config check --config "$scratch/plugins.yaml"
# there is no terminal here: 3; a wrong keymap would be 2
check "the keymap of binnacle-keymaps(5)" exits 3 "$BINNACLE" demo --keymap mine
printf 'table:\n  x: actoin restart\n' >"$scratch/binnacle/keymaps/wrong.yaml"
check "a wrong keymap is refused" exits 2 "$BINNACLE" demo --keymap wrong


# the service: what systemd thinks of it, but for the manual, which is not installed here
unit() {
	local said
	sed '/^Documentation=/d; s,/usr/local/bin/binnacle,/bin/true,' "$TOP/contrib/binnacle-watch.service" >"$scratch/binnacle-watch.service"
	said=$(XDG_RUNTIME_DIR=$scratch systemd-analyze --user verify "$scratch/binnacle-watch.service" 2>&1) && [[ -z $said ]] || { echo "$said"; return 1; }
}
if command -v systemd-analyze >/dev/null; then
	check "contrib/binnacle-watch.service" unit
fi

for sub in "" get snapshot predict doctor demo config audit; do
	# shellcheck disable=SC2086
	"$BINNACLE" $sub --help
done >"$scratch/help"
for option in $(sed '/^```/,/^```/d' "$TOP/README.md" | grep -oE -- 'binnacle [^#|`]*' | grep -oE -- '--[a-z-]+' | sort -u); do
	check "README.md: $option" grep -q -- "$option" "$scratch/help"
done
for target in $(grep -oE 'make [a-z][a-z-]*' "$TOP/README.md" "$TOP/ARCHITECTURE.md" | cut -d' ' -f2 | sort -u); do
	[[ $target == them || $target == sure ]] || check "make $target" grep -qE "^$target( [a-z-]+)*:|^[a-z -]* $target( [a-z-]+)*:" "$TOP/Makefile"
done
echo "1..$n"
exit $((bad > 0))
