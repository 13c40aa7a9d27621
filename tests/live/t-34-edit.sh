#!/usr/bin/env bash
# Objects edited as YAML on a genuine API server: by parameters, and in a terminal with an editor that is a script.
. "$(dirname "$0")/lib.sh"
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
screen=$(dirname "$BINNACLE")/tests/live/screen_drive
audit=$scratch/audit.jsonl
ns=edit-acts

drive() {
	timeout -k 5 180 "$drive_bin" --audit "$audit" --wait 90000 "$@" 2>&1
}
field() { # KIND NAME JSONPATH
	kubectl -n $ns get "$1" "$2" -o "jsonpath={$3}" 2>&1
}
trap 'kubectl delete namespace $ns --wait=false >/dev/null 2>&1; rm -rf "$scratch"' EXIT
setup() {
	kubectl create namespace $ns
	kubectl -n $ns create deployment web --image=registry.example.com/web:v1
	kubectl -n $ns create secret generic db --from-literal=password=hunter2
	kubectl -n $ns create configmap plain --from-literal=colour=red
}
check "objects to edit" setup
within 40 kubectl -n $ns rollout status deploy/web --timeout=1s

# params BASE TEXT
params() {
	python3 -c 'import json,sys; print(json.dumps({"secret_base": open(sys.argv[1]).read(), "secret_text": open(sys.argv[2]).read()}))' "$1" "$2"
}
drive open yaml deployments $ns/web '{"edit":true}' >"$scratch/base"
unlike "what is edited holds nothing of the server's own" 'managedFields|resourceVersion|status:|uid:' "$(cat "$scratch/base")"
sed 's/web:v1/web:v2/' "$scratch/base" >"$scratch/text"
said=$(drive --undo act edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")
equal "edit, followed, and undone" "2 registry.example.com/web:v1" "$(grep -c '^state: done' <<<"$said") $(field deploy web \
	.spec.template.spec.containers[0].image)"
like "the plan has the lines that differ" '"-      - image: registry.example.com/web:v1",.*"\+      - image: registry.example.com/web:v2"' \
	"$(paste -sd' ' <<<"$said")"
like "nothing differs" '"already": "nothing differs' "$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/base")")"
sed 's/replicas: 1/replicas: many/' "$scratch/base" >"$scratch/text"
like "strictly checked by the server" 'the server refuses it.*replicas.*\(line [0-9]+ of what you wrote\)' "$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"
sed 's/^spec:/spec:\n  relicas: 3/' "$scratch/base" >"$scratch/text"
like "a field that does not exist" 'the server refuses it.*unknown field .*relicas' \
	"$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"
sed 's/name: web$/name: other/' "$scratch/base" >"$scratch/text"
like "another name is another object" 'metadata.name cannot be changed' "$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"
printf 'kind: [\n' >"$scratch/text"
like "YAML that cannot be read" 'line [12]: ' "$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"
like "forbidden" 'not permitted: .* may not patch' "$(sed 's/web:v1/web:v3/' "$scratch/base" >"$scratch/text"
	drive --context viewer plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"

# ---- others change it too
kubectl -n $ns scale deploy web --replicas=2 >/dev/null
said=$(drive act edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")
like "changed elsewhere meanwhile: both stay" 'changed meanwhile elsewhere.*state: done' "$(paste -sd' ' <<<"$said")"
equal "changed elsewhere meanwhile: so they do" "2 registry.example.com/web:v3" "$(field deploy web .spec.replicas) $(field deploy web \
	.spec.template.spec.containers[0].image)"
# two changes in one list: containers, and one container's variables
kubectl -n $ns set env deploy/web MODE=calm >/dev/null
drive open yaml deployments $ns/web '{"edit":true}' >"$scratch/base"
sed 's/value: calm/value: busy/' "$scratch/base" >"$scratch/text"
kubectl -n $ns patch deploy web --type=strategic -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"registry.example.com/side:v1"},
	{"name":"web","env":[{"name":"SHAPE","value":"round"}]}]}}}}' >/dev/null
said=$(drive --undo act edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")
like "two changes in one list: both stay" 'changed meanwhile elsewhere.*state: done' "$(paste -sd' ' <<<"$said")"
containers='{range .spec.template.spec.containers[*]}{.name}{range .env[*]} {.name}={.value}{end};{end}'
equal "two changes in one list, undone: the other one stays" "side; web MODE=calm SHAPE=round;" "$(kubectl -n $ns get deploy web -o \
	jsonpath="$containers" | tr ';' '\n' | sort | sed '/^$/d; s/$/;/' | sed 's/SHAPE=round MODE=calm/MODE=calm SHAPE=round/' | paste -sd' ')"
sed 's/value: calm/value: wild/' "$scratch/base" >"$scratch/text"
kubectl -n $ns set env deploy/web MODE=dull >/dev/null
like "the same element of one list: blocked" 'where you changed it too \(spec.template.spec.containers.web.env.MODE.value\)' \
	"$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")"
drive open yaml deployments $ns/web '{"edit":true}' >"$scratch/base"
kubectl -n $ns scale deploy web --replicas=3 >/dev/null
sed 's/replicas: 2/replicas: 5/' "$scratch/base" >"$scratch/text"
said=$(drive plan edit deployments $ns/web "$(params "$scratch/base" "$scratch/text")")
like "changed at the same place: blocked" 'where you changed it too \(spec.replicas\)' "$said"
like "changed at the same place: what they did is shown" '"meanwhile": \[.*"\+  replicas: 3"' "$(paste -sd' ' <<<"$said")"
said=$(drive --between "$KUBECTL -n $ns patch cm plain --type=merge -p '{\"data\":{\"shape\":\"round\"}}' >/dev/null" \
	act edit configmaps $ns/plain '{"patch":{"data":{"colour":"blue"}}}')
like "changed between plan and run" 'it changed since the plan was shown' "$said"

# ---- the API server is killed while it runs
said=$(drive --between "HOME=/ $live_tests/servers.sh stop-api $LIVE" --wait 40000 act edit configmaps $ns/plain '{"patch":{"data":{"colour":"green"}}}')
servers start-api >/dev/null 2>&1
servers restart-controllers          # they wait for up to a minute else
within 60 kubectl get --raw /readyz
like "server gone: it says so and nothing happened" 'state: failed: it cannot be looked at again' "$said"
equal "server gone: as it was" red "$(field cm plain .data.colour)"

# ---- a Secret
drive open yaml secrets $ns/db '{"edit":true}' >"$scratch/base"
sed 's/aHVudGVyMg==/c3dvcmRmaXNo/' "$scratch/base" >"$scratch/text"
said=$(drive act edit secrets $ns/db "$(params "$scratch/base" "$scratch/text")")
like "secret: the difference without its values" 'password: .\*\*\* \(9 bytes\), changed' "$said"
equal "secret: it is changed" c3dvcmRmaXNo "$(field secret db .data.password)"
unlike "secret: nothing of it in the audit file" 'aHVudGVyMg|c3dvcmRmaXNo|hunter2|swordfish' "$(cat "$audit")"

# ---- in a terminal
cat >"$scratch/binnacle.yaml" <<END
environments: {test: {guard: confirm, limit: 5}}
sources:
  live: {type: kubernetes, environment: test, kubeconfig: $KUBECONFIG}
END
cat >"$scratch/ed" <<'END'
#!/bin/sh
stat -c %a "$1" >>"$SCRATCH/modes"
cp "$1" "$SCRATCH/seen"
printf 'editor says hello\n'
sh "$SCRATCH/what" "$1"
END
chmod +x "$scratch/ed"
mkdir -m 700 "$scratch/run"
export SCRATCH=$scratch EDITOR=$scratch/ed XDG_RUNTIME_DIR=$scratch/run
unset VISUAL
terminal() { # NAME, lines for screen_drive on standard input
	local said
	if said=$(timeout -k 5 180 "$screen" 100x30 "$BINNACLE" --config "$scratch/binnacle.yaml" 2>&1); then ok "terminal: $1"; else
		not_ok "terminal: $1" "$said"
	fi
}
echo 'sed -i "s/colour: red/colour: blue/" "$1"' >"$scratch/what"
terminal "edit, plan, do it" <<END
wait live
keys :configmaps plain\r
wait edit-acts
keys M
wait +  colour: blue
sent editor says hello
keys \r
wait done
keys \e
wait edit-acts
keys :q\r
end 0
END
equal "terminal: it is so" blue "$(field cm plain .data.colour)"
equal "terminal: the file was ours only, and is gone" "600 0" "$(sort -u "$scratch/modes") $(find "$scratch/run" -name '*.yaml' | wc -l)"
echo 'exit 4' >"$scratch/what"
terminal "an editor that fails before anything was written" <<END
wait live
keys :configmaps plain\r
wait edit-acts
keys M
wait ended with status 4
wait Enter edits it again, Esc leaves
keys \e
wait edit-acts
keys :q\r
end 0
END
equal "terminal: leaves no file behind" 0 "$(find "$scratch/run" -name '*.yaml' | wc -l)"
echo 'printf "a: [\n" >"$1"' >"$scratch/what"
terminal "what cannot be read is kept, and edited again" <<END
wait live
keys :configmaps plain\r
wait edit-acts
keys M
wait line 
wait is kept in
run echo 'exit 3' >$scratch/what
keys \r
wait ended with status 3
keys \e
wait edit-acts
keys :q\r
end 0
END
equal "terminal: it is still there" 1 "$(find "$scratch/run" -name '*.yaml' | wc -l)"
EDITOR=$scratch/no-such-editor
terminal "no such editor" <<END
wait live
keys :configmaps plain\r
wait edit-acts
keys M
wait was not found: set VISUAL or EDITOR
keys :q\r
end 0
END
finish
