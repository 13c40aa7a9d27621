#!/usr/bin/env bash
# What goes wrong on a bad night, on genuine servers and through the real program, on screen too: an API server that
# goes away, refuses, or is replaced; credentials that expire; rights that lack; files and plugins that are no such
# thing; text that wants to be a terminal's command; a full disk.
. "$(dirname "$0")/lib.sh"
screen_drive=$(dirname "$BINNACLE")/tests/live/screen_drive
ns=rough-$$
esc=$'\033'

# screen NAME [ARGUMENT]... <SCRIPT: drives the program, see screen_drive.c
screen() {
	local name=$1 said
	shift
	if said=$(timeout -k 5 180 "$screen_drive" 110x44 "$BINNACLE" "$@" 2>"$scratch/screen.err"); then
		ok "$name"
	else
		not_ok "$name" "$said"
	fi
}

both() { # ARGUMENT...: standard output, errors and exit status
	binnacle "$@" 2>&1 </dev/null
	echo "status $?"
}

# kubeconfig SERVER USER-FIELDS: prints one
kubeconfig() {
	printf 'apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n'
	printf 'clusters: [{name: c, cluster: {server: "%s", certificate-authority: "%s"}}]\n' "$1" "$CA_FILE"
	printf 'users: [{name: u, user: {%s}}]\n' "$2"
}

mode() {
	echo "$*" >"$scratch/grumpy/mode.part"
	mv "$scratch/grumpy/mode.part" "$scratch/grumpy/mode"
	sleep 0.2
}

gated_pod() { # NAME CONTAINERS ANNOTATION-BYTES
	python3 - "$ns" "$@" <<-'END'
	import json, sys
	ns, name, count, size = sys.argv[1:]
	print(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": ns, "annotations": {
	    "big": "B" * int(size) + "@FAT@", "evil": "\x1b]0;owned\x07\x1b[2J\x00\x9b31m\u202eend"}},
	  "spec": {"automountServiceAccountToken": False, "schedulingGates": [{"name": "example.com/wait"}],
	    "containers": [{"name": f"c{i}", "image": "x"} for i in range(int(count))]}}))
	END
}

setup() {
	kubectl create namespace $ns
	within 30 kubectl -n $ns get serviceaccount default || return
	gated_pod fat 1 250000 | kubectl create -f - || return
	gated_pod many 3000 10 | kubectl create -f - || return
	kubectl apply -f - <<-END || return
	{apiVersion: v1, kind: Pod, metadata: {name: talks, namespace: $ns},
	 spec: {tolerations: [{operator: Exists}], containers: [{name: sidecar, image: x}]}}
	END
	python3 - $ns "$(kubectl -n $ns get pod fat -o jsonpath='{.metadata.uid}')" <<-'END' | kubectl create -f -
	import datetime, json, sys
	now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
	print(json.dumps({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "evil", "namespace": sys.argv[1]},
	  "type": "Warning", "reason": "Evil\x1b[5m", "message": "before\x1b[31m\x1b]52;c;ZXZpbA==\x07\x00\x9d after",
	  "firstTimestamp": now, "lastTimestamp": now, "count": 1, "source": {"component": "x\x1b[2J"},
	  "involvedObject": {"apiVersion": "v1", "kind": "Pod", "name": "fat", "namespace": sys.argv[1],
	    "uid": sys.argv[2]}}))
	END
}

cleanup() {
	servers start-api
	servers restart-controllers
	[[ -z ${grumpy:-} ]] || kill "$grumpy" 2>/dev/null
	"$KUBECTL" delete namespace $ns --wait=false >/dev/null 2>&1
	[[ ! -e $scratch/app.log ]] || cat "$scratch/app.log" >"$POD_LOGS/sidecar.log"
	rm -rf "$scratch"
}
trap cleanup EXIT
check "setup" setup
mkdir "$scratch/grumpy"
mode ok
"$live_tests/grumpy.py" "$scratch/grumpy" &
grumpy=$!
within 5 test -e "$scratch/grumpy/port"
grumpy_url=http://127.0.0.1:$(cat "$scratch/grumpy/port")

# --- the API server goes away, and is another ----------------------------------------------------
screen "rows stay, old and dimmed, while the API server is down, and live again after" --context admin <<END
wait Enter open
keys :namespaces\r
wait kube-system
forget
run HOME=/ $live_tests/servers.sh stop-api $LIVE
wait 15 cannot be reached
sent \e[0;2m
keys jj
wait Enter open
run HOME=/ $live_tests/servers.sh start-api $LIVE && HOME=/ $KUBECTL create namespace rough-one-$$
gone 20 stale
wait rough-one-$$
run HOME=/ $KUBECTL delete namespace rough-one-$$ --wait=false
keys Q
end 0
END

servers start-api
check "a certificate of another authority" servers rotate-cert --new-ca
said=$(both doctor)
like "is said as such, with what to do" 'certificate.*-> ' "${said//$'\n'/ }"
like "by get too" 'certificate.*; .*status [45]' "$(both get namespaces | tr '\n' ' ')"
check "the first authority again" servers rotate-cert
check "is well" within 20 binnacle doctor

# --- credentials and limits ----------------------------------------------------------------------
echo first >"$scratch/token"
kubeconfig "$grumpy_url" "tokenFile: $scratch/token" >"$scratch/by-token-file"
mode token first
screen "a token that expires in mid-session is read again" --kubeconfig "$scratch/by-token-file" <<END
wait Enter open
keys :namespaces\r
wait kube-system
run echo second >$scratch/token; echo token second >$scratch/grumpy/mode
run HOME=/ $KUBECTL create namespace rough-two-$$
wait 10 rough-two-$$
run HOME=/ $KUBECTL delete namespace rough-two-$$ --wait=false
run echo token third >$scratch/grumpy/mode
wait 10 log in again
run echo third >$scratch/token
gone 20 refused
wait kube-system
keys Q
end 0
END
mode busy 3
equal "429: all the rows, after the time that was asked for" "$(kubectl get nodes --no-headers | wc -l)" \
	"$(binnacle --kubeconfig "$scratch/by-token-file" get nodes 2>/dev/null | tail -n +2 | wc -l)"
asked=$(awk '$1 == 429 {n++} END {print n + 0}' "$scratch/grumpy/requests")
if ((asked >= 3 && asked <= 4)); then ok "and not asked in between"; else not_ok "and not asked in between" "$asked"; fi
mode busy 100000
like "429 without end is said" '429|Too Many Requests' "$(BINNACLE_LIMIT=60 both --kubeconfig "$scratch/by-token-file" --wait 4 get namespaces)"
mode slow 8
screen "a server that takes its time: keys are answered, rows come" --kubeconfig "$scratch/by-token-file" <<END
wait 4 Enter open
keys :namespaces\r
wait 4 namespaces
keys ?
wait 4 keys and commands
keys q
wait 60 kube-system
keys Q
end 0
END
mode fat
like "a 5 MB annotation: the list" 'fat +0/1 ' "$(both --kubeconfig "$scratch/by-token-file" -n $ns get pods)"
screen "a 5 MB annotation: the document" --kubeconfig "$scratch/by-token-file" -n $ns <<END
wait Enter open
keys :pods\r
wait many
keys /fat\ry
wait kind: Pod
wait example.com/wait
keys G
wait phase: Pending
keys q
wait SchedulingGated
keys Q
end 0
END
mode ok

# --- rights --------------------------------------------------------------------------------------
said=$(both --context viewer get nodes)
like "one kind is refused" 'may not list nodes.*status 5' "${said//$'\n'/ }"
like "and others are not" 'Running.*status 0' "$(both --context viewer get pods | tr '\n' ' ')"
said=$(both --context team-a get pods)
like "a user of one namespace is told" "only namespace 'team-a' is shown" "$said"
screen "a user with no rights sees a screen that says so" --context nobody <<'END'
wait Enter open
keys :pods\r
wait may not list pods
keys :nodes\r
wait may not list nodes
keys Q
end 0
END

# --- text that wants to be a command -------------------------------------------------------------
equal "3,000 containers in one pod" "0/3000" "$(binnacle -n $ns get pods 2>/dev/null | awk '$1 == "many" {print $2}')"
clean() { # NAME TEXT: no control but line ends and tabs, C1 and bidirectional overrides neither
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' <<<"$2"; then
		not_ok "$1" "$(LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' <<<"$2" | cat -v | head -5)"
	else
		ok "$1"
	fi
}
for form in table wide; do
	binnacle -n $ns get events -o $form >"$scratch/events" 2>&1
	clean "escapes in an event, as $form" "$(tr '\0' '\1' <"$scratch/events")"
done
for form in csv json yaml; do    # as they are for programs, made printable on a terminal
	script -qec "'$BINNACLE' -n $ns get events -o $form" /dev/null </dev/null | tr -d '\r' >"$scratch/events"
	clean "escapes in an event, as $form on a terminal" "$(tr '\0' '\1' <"$scratch/events")"
done
equal "a program gets the text itself, as json" $'before\e[31m\e]52;c;ZXZpbA==\a|\u9d after' \
	"$(binnacle -n $ns get events -o json | python3 -c '
import json, sys
print([e["message"] for e in json.load(sys.stdin) if e["name"] == "evil"][0].replace(chr(0), "|"))')"
like "the event's text is there" 'before.* after' "$(binnacle -n $ns get events 2>&1)"
cp "$POD_LOGS/sidecar.log" "$scratch/app.log"
printf '%s stdout F logline %s[2J%s]0;owned\a%s]52;c;ZXZpbA==\a nul\0 c1 \302\23331m done\n' \
	"$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)" "$esc" "$esc" "$esc" >>"$POD_LOGS/sidecar.log"
check "a pod that talks" kubectl -n $ns wait pod/talks --for condition=Ready --timeout 120s
screen "escapes in annotations, events and log lines are shown, never sent" --context admin -n $ns <<'END'
wait Enter open
keys :events\r
wait before
keys :pods\r
wait talks
keys /talks\rl
wait logline
wait done
never \e[2J\e]
never \e]52
never \e]0;owned
never \e[31m\e]
keys q
wait READY
keys :pods\r
wait many
keys /fat\r
wait SchedulingGated
keys y
wait kind: Pod
wait evil:
keys /evil:\r
wait ]0;owned
keys q
wait READY
keys d
wait Evil^[[5m
wait before^[[31m
never \e]52
never owned\a
keys Q
end 0
END

# --- plugins -------------------------------------------------------------------------------------
plugin() { # SHELL-TEXT: a kubeconfig whose plugin runs it
	printf '#!/bin/sh\n%s\n' "$1" >"$scratch/plugin"
	chmod +x "$scratch/plugin"
	kubeconfig "$API_URL" "exec: {apiVersion: client.authentication.k8s.io/v1, command: $scratch/plugin, interactiveMode: IfAvailable}" \
		>"$scratch/by-plugin"
}
with_plugin() {
	both --kubeconfig "$scratch/by-plugin" --wait "${1:-10}" get namespaces | tr '\n' ' '
}
orphans() {
	pgrep -f 'sleep 3141[.]'$$ || true
}
plugin "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\"}}' $TOKEN_ADMIN"
like "a good plugin" 'kube-system.*status 0' "$(with_plugin)"
plugin "[ -e $scratch/ran ] && sleep 12
: >$scratch/ran
printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"%s\",\"expirationTimestamp\":\"%s\"}}' \
	$TOKEN_ADMIN \"\$(date -u -d '12 seconds' +%Y-%m-%dT%H:%M:%SZ)\""
screen "while a plugin is slow to renew its credential, what is open goes on" --kubeconfig "$scratch/by-plugin" <<END
wait Enter open
keys :namespaces\r
wait kube-system
run sleep 3
keys :pods\r
wait 4 pods
run HOME=/ $KUBECTL create namespace rough-plug-$$
keys :namespaces\r
wait 4 rough-plug-$$
keys :pods\r
wait 10 Running
run HOME=/ $KUBECTL delete namespace rough-plug-$$ --wait=false
keys Q
end 0
END
plugin 'printf "\033[2J\000rubbish"'
said=$(with_plugin)
like "rubbish from a plugin" "plugin.*status [45]" "$said"
clean "and nothing of it is sent raw" "$said"
plugin 'echo "log in first \033[31m" >&2; exit 3'
like "a plugin that fails says why" "log in first.*status [45]" "$(with_plugin)"
plugin 'if read -r word </dev/tty; then echo "$word"; else echo "no terminal for me" >&2; exit 1; fi'
like "a plugin that wants a terminal gets none" "no terminal for me" "$(with_plugin)"
plugin 'trap "" TERM HUP; sleep 3141.'$$' & sleep 3141.'$$'; wait'
began=$SECONDS
said=$(with_plugin 3)
like "a plugin that hangs" 'plugin|no answer in time' "$said"
if ((SECONDS - began <= 60)); then ok "does not hold the program up"; else not_ok "does not hold the program up" "$((SECONDS - began)) s"; fi
check "and leaves no process" within 3 sh -c '! pgrep -f "sleep 3141[.]'$$'"'
screen "on screen neither" --kubeconfig "$scratch/by-plugin" <<'END'
wait : command
keys :pods\r
wait 5 pods
keys Q
end 0
END
check "and leaves none" within 3 sh -c '! pgrep -f "sleep 3141[.]'$$'"'
orphans | xargs -r kill -KILL

# --- kubeconfigs that are none -------------------------------------------------------------------
mkdir "$scratch/kc-directory"
: >"$scratch/kc-empty"
echo '- a' >"$scratch/kc-list"
echo 'clusters: hello' >"$scratch/kc-type"
printf 'a: {b: [c\n' >"$scratch/kc-broken"
head -c 100000 /dev/urandom >"$scratch/kc-noise"
python3 -c "
print('a0: &a0 [x,x,x,x,x,x,x,x,x,x]')
for i in range(1, 12): print('a%d: &a%d [%s]' % (i, i, ','.join(['*a%d' % (i - 1)] * 10)))" >"$scratch/kc-bomb"
for what in empty directory list type broken noise bomb missing; do
	said=$(both --kubeconfig "$scratch/kc-$what" get pods | tr '\n' ' ')
	like "kubeconfig $what" "binnacle: .*kc-$what.*; .*status [24]" "$said"
done
if [[ $(id -u) == 0 ]]; then
	skip "kubeconfig unreadable" "root reads all"
else
	cp "$KUBECONFIG" "$scratch/kc-closed" && chmod 0 "$scratch/kc-closed"
	like "kubeconfig unreadable" "kc-closed.*Permission denied" "$(both --kubeconfig "$scratch/kc-closed" get pods)"
fi
said=$(KUBECONFIG=$scratch/kc-bomb both doctor | tr '\n' ' ')
like "doctor says so too, with what to do" "kc-bomb.* -> .*status 1" "$said"
screen "and the screen" --kubeconfig "$scratch/kc-type" <<'END'
wait 'clusters' must be
keys Q
end 0
END

# --- one source of two is broken -----------------------------------------------------------------
IFS=:/ read -r pg_host pg_port pg_db <<<"${PG_URI_GUARDED#*@}"
two() { # POSTGRES-SETTING...
	printf 'environments: {dev: {}}\nsources:\n  kube: {type: kubernetes, environment: dev, context: admin}\n' >"$scratch/two.yaml"
	printf '  pg:\n    type: postgres\n    environment: dev\n' >>"$scratch/two.yaml"
	printf '    %s\n' "$@" >>"$scratch/two.yaml"
	both --config "$scratch/two.yaml" --wait 10 doctor | tr '\n' ' '
}
like "no PostgreSQL" 'pg .*WRONG .*refused.* -> .*status 1' "$(two "connection: postgresql://postgres@$pg_host:1/$pg_db")"
check "the cluster is read all the same" binnacle --config "$scratch/two.yaml" get namespaces
screen "also on screen" --config "$scratch/two.yaml" <<'END'
wait Enter open
keys :namespaces\r
wait kube-system
keys :drift\r
wait refused
keys Q
end 0
END
like "a wrong password" 'password authentication failed.* -> ' "$(two "connection: $PG_URI_GUARDED" "password: {command: echo wrong}")"
like "a table that is missing" "no table 'nowhere'.* -> " "$(two "connection: $PG_URI" "table: nowhere")"

# --- a full disk ---------------------------------------------------------------------------------
mkdir -p "$XDG_STATE_HOME/binnacle"
ln -s /dev/full "$XDG_STATE_HOME/binnacle/audit.jsonl"
screen "without an audit line nothing is changed" --context admin -n $ns <<'END'
wait Enter open
keys :pods\r
wait talks
keys /talks\rD
wait 5 audit
keys \e\eQ
END
like "and the pod is there" talks "$(kubectl -n $ns get pods)"
# As a disk with room for 150 KB.
printf '#!/bin/bash\ntrap "" XFSZ\nulimit -f 150\nexec "%s" "$@"\n' "$BINNACLE" >"$scratch/little-room"
chmod +x "$scratch/little-room"
BINNACLE=$scratch/little-room screen "a recording that finds no room says so, and all goes on" --context admin \
	--record "$scratch/record" <<'END'
wait Enter open
keys :pods\r
wait recording stopped: File too large
keys :nodes\r
wait 10 ip-10-
keys Q
end 0
END
like "what was recorded before can be played" "cut off here; what is shown was recorded before" "$(both --replay "$scratch/record" get pods)"

finish
