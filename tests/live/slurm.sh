#!/usr/bin/env bash
# A genuine Slurm of a test's own, in one folder: slurm.sh up|down|kill-ctld|stop-ctld|cont-ctld|start-ctld DIR
#
#   up         munged, slurmctld, and slurmd of the nodes gpu1 and gpu2 (4 CPUs, 2 GPUs that are but files); lost1 is DOWN
#   down       ends what `up` started, and removes DIR
#   *-ctld     SIGKILL, SIGSTOP, SIGCONT to slurmctld, and a new one
#
# All run as the user who calls this, on ports of their own, with DIR/slurm.conf for $SLURM_CONF. No cgroups, no accounting, no devices.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command=${1:-} dir=${2:-}
[[ $command && $dir ]] || { sed -n '2s/^# //p' "$0" >&2; exit 64; }
export PATH=$PATH:/usr/sbin SLURM_CONF=$dir/slurm.conf

configure() {
	local ctld d1 d2 lost host
	# shellcheck disable=SC1091
	. "$here/ports.sh"
	read -r ctld d1 d2 lost < <(free_ports 4)
	host=$(hostname -s)
	mkdir -p "$dir"/{state,log,dev,out} "$dir"/spool/gpu{1,2}
	chmod 755 "$dir"
	touch "$dir"/dev/gpu{0,1}
	echo "Name=gpu Type=a100 File=$dir/dev/gpu[0-1]" >"$dir/gres.conf"
	echo 'CgroupPlugin=cgroup/v1' >"$dir/cgroup.conf"
	(umask 077 && head -c 1024 /dev/urandom >"$dir/munge.key")
	cat >"$dir/slurm.conf" <<-END
		ClusterName=test
		SlurmctldHost=$host(127.0.0.1)
		SlurmctldPort=$ctld
		SlurmdPort=$d1
		SlurmUser=$(id -un)
		SlurmdUser=$(id -un)
		AuthType=auth/munge
		AuthInfo=socket=$dir/munge.socket
		CredType=cred/munge
		StateSaveLocation=$dir/state
		SlurmdSpoolDir=$dir/spool/%n
		SlurmctldPidFile=$dir/slurmctld.pid
		SlurmdPidFile=$dir/%n.pid
		SlurmctldLogFile=$dir/log/slurmctld.log
		SlurmdLogFile=$dir/log/%n.log
		ProctrackType=proctrack/pgid
		TaskPlugin=task/none
		SwitchType=switch/none
		MpiDefault=none
		ReturnToService=1
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core_Memory
		SchedulerParameters=bf_interval=2,sched_min_interval=0
		JobAcctGatherType=jobacct_gather/none
		AccountingStorageType=accounting_storage/none
		MinJobAge=900
		KillWait=3
		BatchStartTimeout=120
		SlurmdParameters=config_overrides
		GresTypes=gpu
		NodeName=DEFAULT CPUs=4 RealMemory=1000 Gres=gpu:a100:2
		NodeName=gpu1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$d1
		NodeName=gpu2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$d2
		NodeName=lost1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$lost State=DOWN Reason=burnt
		PartitionName=gpu Nodes=ALL Default=YES MaxTime=1-00:00:00 DefMemPerNode=10
	END
}

# Its daemons' process ids, of those alone that run with this folder.
ended() {
	local name pid
	for name in "$@"; do
		pid=$(cat "$dir/$name.pid" 2>/dev/null) || continue
		kill "$pid" 2>/dev/null || continue
		timeout 10 tail --pid="$pid" -s 0.1 -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
	done
}

signal() {
	kill "$1" "$(<"$dir/slurmctld.pid")"
}

serves() {
	local end=$((SECONDS + 200))
	until [[ $(timeout 10 "$@" 2>/dev/null) ]]; do
		((SECONDS < end)) || { echo "slurm: not up after 200 s: $*" >&2; tail -n 5 "$dir"/log/*.log >&2; exit 1; }
		sleep 0.2
	done
}

case $command in
up)
	configure
	munged --force --socket="$dir/munge.socket" --key-file="$dir/munge.key" --log-file="$dir/log/munged.log" \
		--pid-file="$dir/munged.pid" --seed-file="$dir/munged.seed" --num-threads=10
	slurmctld
	slurmd -N gpu1
	slurmd -N gpu2
	serves sinfo -h -n gpu1 -t idle
	serves sinfo -h -n gpu2 -t idle
	;;
down)
	timeout 10 scancel -u "$(id -un)" 2>/dev/null || true
	[[ ! -e $dir/slurmctld.pid ]] || signal -CONT 2>/dev/null || true
	ended gpu1 gpu2 slurmctld munged
	rm -rf "$dir"
	;;
kill-ctld)
	pid=$(<"$dir/slurmctld.pid")
	signal -KILL
	timeout 10 tail --pid="$pid" -s 0.1 -f /dev/null
	;;
stop-ctld) signal -STOP ;;
cont-ctld) signal -CONT ;;
start-ctld)
	slurmctld
	serves scontrol -h show config
	;;
*) exit 64 ;;
esac
