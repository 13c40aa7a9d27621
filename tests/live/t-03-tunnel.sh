#!/usr/bin/env bash
# The way through a host behind SSH, with a genuine sshd that knows names which this machine does not: the API server,
# PostgreSQL, MLflow and S3 by way of it; whose key, as whom, who else may use the door; and sshd going away.
# needs: mlflow3 s3
. "$(dirname "$0")/lib.sh"
sshd=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd)
port=$(free_ports 1)
trap 'sshd_stop; [[ -z ${SSH_AGENT_PID:-} ]] || kill "$SSH_AGENT_PID"; rm -rf "$scratch"' EXIT
export T03_ID=$S3_ACCESS_KEY T03_SECRET=$S3_SECRET_KEY AWS_EC2_METADATA_DISABLED=true

for key in host other-host user locked stranger; do
	phrase=
	[[ $key != locked ]] || phrase=phrase
	ssh-keygen -q -t ed25519 -N "$phrase" -f "$scratch/$key"
done
cat "$scratch"/{user,locked}.pub >"$scratch/authorized"
echo '127.0.0.1 localhost api.inside db.inside mlflow.inside s3.inside' >"$scratch/hosts"
far=.inside                      # the name's end that only sshd knows, where it may have names of its own
unshare -m true 2>/dev/null || far=

sshd_start() { # [LINE]...
	mkdir -p /run/sshd
	printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $scratch/${HOST_KEY:-host}" "AuthorizedKeysFile $scratch/authorized" \
		'StrictModes no' 'UsePAM no' 'PasswordAuthentication no' "PidFile $scratch/sshd.pid" 'LogLevel VERBOSE' 'MaxStartups 100' "$@" \
		>"$scratch/sshd_config"
	if [[ $far ]]; then
		unshare -m sh -c 'mount --bind "$1/hosts" /etc/hosts; exec "$2" -f "$1/sshd_config" -E "$1/sshd.log"' - "$scratch" "$sshd"
	else
		"$sshd" -f "$scratch/sshd_config" -E "$scratch/sshd.log"
	fi
	within 10 test -s "$scratch/sshd.pid"
}
sshd_stop() { # with all that it carries; when it has ended its port is free, and the next one's file of the pid is not removed by it
	local pid
	[[ -s $scratch/sshd.pid ]] || return 0
	pid=$(cat "$scratch/sshd.pid")
	pkill -KILL -P "$pid"
	kill "$pid"
	timeout 30 tail --pid="$pid" -s 0.1 -f /dev/null
	rm -f "$scratch/sshd.pid"
}
# ssh reads the settings of the account, not of $HOME: this one reads ours
mkdir "$scratch/bin"
printf '#!/bin/sh\nexec %s -F %s/ssh_config "$@"\n' "$(command -v ssh)" "$scratch" >"$scratch/bin/ssh"
chmod +x "$scratch/bin/ssh"
PATH=$scratch/bin:$PATH
ssh_config() { # KEY [LINE]...
	printf 'Host bastion\n\tHostName 127.0.0.1\n\tPort %s\n\tUser %s\n\tUserKnownHostsFile %s/known\n\tGlobalKnownHostsFile /dev/null\n\tIdentityFile %s\n' \
		"$port" "$(id -un)" "$scratch" "$1" >"$scratch/ssh_config"
	shift
	[[ $# == 0 ]] || printf '\t%s\n' "$@" >>"$scratch/ssh_config"
}
# config NAME SETTING...: one source
config() {
	local name=$1
	shift
	printf 'sources:\n  %s: {%s}\n' "$name" "$(IFS=,; echo "$*")" >"$scratch/$name.yaml"
}
name_of() { # NAME: as the far side calls it
	if [[ $far ]]; then echo "$1$far"; else echo 127.0.0.1; fi
}
doctor() {
	binnacle doctor --config "$scratch/$1.yaml" 2>&1
}
inside() { # URL NAME
	echo "${1/127.0.0.1/$(name_of "$2")}"
}

config ml "type: mlflow, url: '$(inside "$MLFLOW3_URL" mlflow)', tunnel: bastion"
config pg "type: postgres, connection: '$(inside "$PG_URI" db)', tunnel: bastion"
config st "type: s3, endpoint: '$(inside "$S3_URL" s3)', access_key: {env: T03_ID}, secret_key: {env: T03_SECRET}, style: path, tunnel: bastion"
config ku "type: kubernetes, kubeconfig: '$KUBECONFIG', context: admin, tunnel: bastion"
ssh_config "$scratch/user"
sshd_start

like "a host whose key is not known is not trusted" 'the host key of 127.0.0.1 is not known \(SHA256:' "$(doctor ml)"
like "with the fingerprint that ssh-keygen prints" "$(ssh-keygen -lf "$scratch/host.pub" | cut -d' ' -f2 | tr -d +)" "$(doctor ml | tr -d +)"
unlike "and nobody logged in" 'Accepted' "$(cat "$scratch/sshd.log")"
ssh-keyscan -p "$port" 127.0.0.1 2>/dev/null >"$scratch/known"
ssh-keygen -qH -f "$scratch/known" >/dev/null 2>&1                   # hashed names, as Debian has them

like "MLflow by way of it" 'ok +version +MLflow 3' "$(doctor ml)"
like "PostgreSQL by way of it, with its own host and port told" "authenticated +as [a-z]+ at $(name_of db):${PG_URI##*:}.*through bastion|authenticated.*at $(name_of db):[0-9]+/.*through bastion" "$(doctor pg)"
like "rows of it" 'batch' "$(binnacle get drift --config "$scratch/pg.yaml" 2>&1)"
like "S3 by way of it" 'ok +(authenticated|buckets)' "$(doctor st)"
like "the API server by way of it" 'ok +authenticated +as admin' "$(doctor ku)"
direct=$(binnacle get pods -o json --context admin | tr -d ' \n' | wc -c)
like "the same pods as without" '^yes' "$(through=$(binnacle get pods -o json --config "$scratch/ku.yaml" | tr -d ' \n' | wc -c)
	((through > 1000 && through > direct * 9 / 10 && through < direct * 11 / 10)) && echo yes || echo "$through, not $direct")"
like "sshd carried them" 'Accepted publickey' "$(cat "$scratch/sshd.log")"
equal "no_proxy of the environment is no way around" 0 "$(no_proxy='*' doctor ml >/dev/null; echo $?)"

# --- as whom
ssh_config "$scratch/stranger"
like "a key that is not let in" 'lets [a-z]+ not in by 1 key.*stranger' "$(doctor ml)"
like "with what to do" 'ssh-add' "$(doctor ml)"
ssh_config "$scratch/locked"
like "a key with a passphrase is not asked for it" 'not in by 1 key' "$(doctor ml)"
ssh_config "$scratch/none"
eval "$(ssh-agent -s)" >/dev/null
printf '#!/bin/sh\necho phrase\n' >"$scratch/ask"
chmod +x "$scratch/ask"
DISPLAY=none SSH_ASKPASS=$scratch/ask SSH_ASKPASS_REQUIRE=force ssh-add -q "$scratch/stranger" "$scratch/locked" 2>/dev/null
like "the agent's key opens it" 'ok +version +MLflow 3' "$(doctor ml)"
kill "$SSH_AGENT_PID"
unset SSH_AGENT_PID SSH_AUTH_SOCK
config own "type: mlflow, url: '$(inside "$MLFLOW3_URL" mlflow)', tunnel: '$(id -un)@127.0.0.1:$port', tunnel_key: '$scratch/user'"
ssh_config "$scratch/none"
printf '\nHost *\n\tUserKnownHostsFile %s/known\n' "$scratch" >>"$scratch/ssh_config"
like "USER@HOST:PORT and a key of one's own" 'ok +version +MLflow 3' "$(doctor own)"
config bad "type: mlflow, url: 'http://x', tunnel: '-oProxyCommand=x'"
like "an option of ssh is no host" 'is no host to tunnel through' "$(doctor bad)"
ssh_config "$scratch/user" "ProxyJump elsewhere"
like "a jump is told, not overlooked" "by way of 'elsewhere', which is not followed" "$(doctor ml)"
ssh_config "$scratch/user"

# --- where to
config gone "type: mlflow, url: 'http://127.0.0.1:1', tunnel: bastion"
like "a server that the host does not reach" 'bastion cannot reach 127.0.0.1 port 1' "$(doctor gone)"
config gone "type: mlflow, url: 'http://nowhere.inside:80', tunnel: bastion"
like "a name that it does not know" 'bastion cannot reach nowhere.inside port 80' "$(doctor gone)"
config sock "type: postgres, host: /tmp, tunnel: bastion"
like "a socket's folder is no target" "'tunnel' needs the one host" "$(doctor sock)"

# --- a long life: on the screen
screen=$(dirname "$BINNACLE")/tests/live/screen_drive
ns=t03-$$
kubectl create namespace "$ns" >/dev/null
{
	echo 'set -u; live_tests=. tap_number=0'
	declare -p sshd scratch port far
	declare -f sshd_start sshd_stop within
	echo 'sshd_stop; sleep 1; sshd_start'
} >"$scratch/again"
cat >"$scratch/foreign" <<'F'
#!/bin/bash
# whether curl gets through the program's door: as this user, as another
door=$(ss -ltnpH | awk '/"binnacle"/ { n = split($4, a, ":"); print a[n] }' | while read -r p; do
	curl -s -m 5 --proxy "socks5h://127.0.0.1:$p" "$1/version" >/dev/null && echo "$p" && break; done)
[[ $door ]] && ! setpriv --reuid 65534 --clear-groups curl -s -m 5 --proxy "socks5h://127.0.0.1:$door" "$1/version"
F
chmod +x "$scratch/foreign"
long_life() {
	timeout -k 5 240 "$screen" 120x40 "$BINNACLE" --config "$scratch/ku.yaml" -n "$ns" <<-K
		wait 20 triage
		keys :pods\\r
		wait 20 $ns
		$([[ $(id -u) == 0 ]] && command -v ss >/dev/null && echo "run $scratch/foreign $MLFLOW3_URL")
		run bash $scratch/again
		run kubectl -n $ns run late --image=x --overrides '{"spec":{"tolerations":[{"operator":"Exists"}]}}'
		wait 60 late
		keys :q\\r
		end 0
	K
}
export PATH=$PATH:$(dirname "$KUBECTL")
check "a watch through it goes on after sshd came back; another user of this machine has no way through its door" long_life
kubectl delete namespace "$ns" --wait=false >/dev/null

# --- what sshd may do
sshd_stop
like "sshd down is told" '127.0.0.1 port [0-9]+ cannot be reached: Connection refused' "$(doctor ml)"
sshd_start 'AllowTcpForwarding no'
like "an sshd that forbids it is told" 'bastion cannot reach .*AllowTcpForwarding' "$(doctor ml | tr '\n' ' ')"
sshd_stop
HOST_KEY=other-host sshd_start
like "another host key is an alarm" 'the host key of 127.0.0.1 is not the known one' "$(doctor ml)"
sshd_stop
python3 - "$port" <<'P' &
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(8)
held = []
while True:
    held.append(s.accept()[0])
P
silent=$!
within 5 python3 -c "import socket; socket.create_connection(('127.0.0.1', $port)).close()"
began=$SECONDS
like "a host that says nothing" 'no handshake with 127.0.0.1' "$(doctor ml)"
check "is given up in time" test $((SECONDS - began)) -lt 45
kill "$silent"
wait "$silent" 2>/dev/null
finish
