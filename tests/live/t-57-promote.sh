#!/usr/bin/env bash
# Promote and roll back on three versions of MLflow: by stage on 1.28, by alias on 2.22 and 3; undone, refused, cut off in the middle.
# needs: mlflow1 mlflow2 mlflow3
# apart: registry
. "$(dirname "$0")/lib.sh"

drive_bin=$(dirname "$BINNACLE")/tests/live/drive
model=t57_$$
urls=("" "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL")
seed() {
	python3 "$live_tests/mlseed.py" "$@"
}
post() {
	curl -fsS -m 20 -X POST -H 'Content-Type: application/json' "$1/api/2.0/mlflow/$2" -d "$3" >/dev/null
}
# champion V: past our program; the versions in production
champion() {
	if (($1 == 1)); then
		curl -fsS -m 20 "${urls[1]}/api/2.0/mlflow/model-versions/search?filter=name%3D%27$model%27" | python3 -c '
import json, sys
print(*sorted(v["version"] for v in json.load(sys.stdin)["model_versions"] if v["current_stage"] == "Production"))'
	else
		curl -fsS -m 20 "${urls[$1]}/api/2.0/mlflow/registered-models/alias?name=$model&alias=${2:-champion}" |
			python3 -c 'import json, sys; print(json.load(sys.stdin)["model_version"]["version"])'
	fi
}
tags() {
	curl -fsS -m 20 "${urls[$1]}/api/2.0/mlflow/model-versions/get?name=$model&version=$2" | python3 -c '
import json, sys
print(*sorted("%s=%s" % (t["key"], t["value"]) for t in json.load(sys.stdin)["model_version"].get("tags", [])))'
}
set_champion() {
	if (($1 == 1)); then
		post "${urls[1]}" model-versions/transition-stage \
			"{\"name\":\"$model\",\"version\":\"$2\",\"stage\":\"Production\",\"archive_existing_versions\":false}"
	else
		post "${urls[$1]}" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"$2\"}"
	fi
}
# act URL WORD...
act() {
	timeout -k 5 180 "$drive_bin" --source "{type: mlflow, environment: dev, timeout: 5s, user: ops, password: {env: T57_PASSWORD}, url: '$1'}" \
		--audit "$scratch/audit" --wait 90000 "${@:2}" 2>&1
}
export T57_PASSWORD=never-to-be-seen

for v in 1 2 3; do
	check "MLflow $v is seeded" seed "${urls[v]}" "$model"
	url=${urls[v]} what='alias champion' change=registered-models/alias
	((v > 1)) || what='stage Production' change=model-versions/transition-stage

	# --- the plan, and that it changes nothing
	said=$(act "$url" plan promote versions "$model/7" '{"reason":"r2 0.447"}')
	like "$v: what changes, in words" "$what v6 -> v7.*r2_score 0.412 -> 0.447: 8.5 % better.*mae 301990 -> 311020: 3.0 % worse" "$said"
	like "$v: the request, word by word" "POST /api/2.0/mlflow/$change.*promoted_by.*ops.*promoted_reason.*r2 0.447.*promoted_at" "$said"
	unlike "$v: a better key metric is no warning" 'key metric' "$said"
	equal "$v: and nothing was changed" 6 "$(champion $v)"
	said=$(act "$url" plan promote versions "$model/2")
	like "$v: a worse key metric is a warning" 'key metric r2_score is 17.0 % worse' "$said"
	like "$v: another signature too" 'signature differs in inputs: without or otherwise broker_rank, listing_age' "$said"
	like "$v: what is there already" 'already.*v6 is in production already' "$(act "$url" plan promote versions "$model/6")"
	like "$v: no such version" 'blocked.*there is no v99' "$(act "$url" plan promote versions "$model/99")"
	like "$v: nobody knows who was before" 'blocked.*not known: say which one' "$(act "$url" plan rollback models "$model")"
	like "$v: a version that is none" "blocked.*'x7' is no version" "$(act "$url" plan rollback models "$model" '{"version":"x7"}')"

	# --- done, read back, undone
	said=$(act "$url" act promote versions "$model/7" '{"reason":"r2 0.447"}')
	like "$v: promoted" "$what: v7.*state: done" "$said"
	equal "$v: the server says so" 7 "$(champion $v)"
	like "$v: who, why, when" 'promoted_at=20[0-9TZ:-]+ promoted_by=ops promoted_reason=r2 0.447' "$(tags $v 7)"
	like "$v: back to the one before, from the model" "$what v7 -> v6" "$(act "$url" plan rollback models "$model")"
	said=$(act "$url" act rollback versions "$model/7")
	like "$v: rolled back" "$what: v6.*state: done" "$said"
	equal "$v: the server says that too" 6 "$(champion $v)"
	like "$v: with the reason" 'promoted_reason=rolled back from v7' "$(tags $v 6)"
	before=$(tags $v 6) was=$(tags $v 5)
	post "$url" model-versions/set-tag "{\"name\":\"$model\",\"version\":\"5\",\"key\":\"promoted_reason\",\"value\":\"in spring, by hand\"}"
	like "$v: the plan says which tags come back" "undo\": \"back to 'in spring, by hand'.*the tags of v5 as they were" \
		"$(act "$url" plan promote versions "$model/5")"
	said=$(act "$url" --undo act promote versions "$model/5")
	like "$v: promote and undo" "roll back $model to v6.*tag promoted_by of v5 deleted: it had none.*back to 'in spring, by hand'.*$what: v6.*state: done" "$said"
	equal "$v: as it was" 6 "$(champion $v)"
	equal "$v: its tags too, set back or deleted" "$(printf '%s\n' $was 'promoted_reason=in spring, by hand' | sort | tr '\n' ' ')" "$(tags $v 5) "
	equal "$v: and those of the version that is back" "$before" "$(tags $v 6)"
	said=$(act "$url" --undo act rollback models "$model" '{"version":"v3","reason":"as in spring"}')
	like "$v: to any version, and undo" "$what v6 -> v3.*$what v3 -> v6.*state: done" "$said"
	equal "$v: as it was, again" 6 "$(champion $v)"
	unlike "$v: no word of it is left" promoted_ "$(tags $v 3)"

	# --- refused
	others=$(declare -p urls model; declare -f post set_champion; echo "set_champion $v 4")
	echo "$others" >"$scratch/others.sh"
	said=$(act "$url" --between "bash '$scratch/others.sh'" \
		act promote versions "$model/7")
	like "$v: changed between plan and run" 'changed since the plan \(.*v6 then, .*v4.* now\), plan again.*state: failed' "$said"
	unlike "$v: nothing was sent then" 'taken' "$said"
	if ((v == 1)); then
		equal "$v: what others did stays" "4 6" "$(champion $v)"
		said=$(act "$url" act promote versions "$model/6")
		like "$v: of two in production one is left" 'stage Production: v6.*state: done' "$said"
	else
		equal "$v: what others did stays" 4 "$(champion $v)"
		set_champion $v 6
	fi
	equal "$v: one is in production" 6 "$(champion $v)"
	like "$v: read-only" 'read-only here' "$(act "$url" --readonly act promote versions "$model/7")"
	like "$v: production asks for the name" "type '" "$(act "$url" --environment prod act promote versions "$model/7")"
	equal "$v: and neither did anything" 6 "$(champion $v)"
done
said=$(act "$MLFLOW3_URL" act promote versions "$model/7" '{"alias":"canary"}')
like "another alias" 'alias canary none -> v7.*nothing was in production before.*alias canary: v7.*state: done' "$said"
equal "is set" "7 6" "$(champion 3 canary) $(champion 3)"

# --- a server that goes in the middle: what comes before or after the change of production is lost, and told
# faulty MODE WHICH [WORD]...: one promotion to v7 through registryfault.py
faulty() {
	python3 "$live_tests/registryfault.py" "$MLFLOW3_URL" "$1" "$2" >"$scratch/port" 2>/dev/null &
	local pid=$!
	within 20 test -s "$scratch/port"
	act "http://127.0.0.1:$(<"$scratch/port")" "${@:3}" act promote versions "$model/7"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	: >"$scratch/port"
}
like "gone before it took it: nobody can tell, and that is said" 'cannot be read.*look at the registry before trying again' "$(faulty before change)"
equal "it did not" 6 "$(champion 3)"
like "gone after it took it: the same is said" 'cannot be read.*look at the registry before trying again' "$(faulty gone change)"
equal "it did" 7 "$(champion 3)"
set_champion 3 6
said=$(faulty lost change --undo)
like "the answer was lost: what is in production is told" 'alias champion: v7.*state: failed.*now alias champion: v7' "$said"
like "and undone" 'roll back.*alias champion: v6.*state: done' "$said"
equal "and so it is" 6 "$(champion 3)"
said=$(faulty 500 tag --undo)
like "tags that fail: production is told" 'told to; now alias champion: v7' "$said"
like "it can be undone too" 'roll back' "$said"
set_champion 3 6
said=$(act "http://127.0.0.1:9" act promote versions "$model/7")
like "a server that is not there" 'refused|cannot be reached|not reached' "$said"

# --- what is kept
unlike "no secret in plans or the audit" "$T57_PASSWORD" "$said $(<"$scratch/audit")"
like "the audit has them" 'promote.*rollback' "$(tr '\n' ' ' <"$scratch/audit")"
for v in 1 2 3; do
	check "MLflow $v is left as it was" seed "${urls[v]}" --delete "$model"
done
finish
