#!/usr/bin/env bash
# Three versions of MLflow, without and with a login: models, versions by stage and alias, runs, curves, what changed.
# needs: mlflow1 mlflow2 mlflow3 mlflow-auth
# apart: registry
. "$(dirname "$0")/lib.sh"

model=t51_$$
# config NAME URL LINE...: a configuration with one MLflow source of these settings
config() {
	printf 'environments:\n  dev: {}\nsources:\n  %s:\n    type: mlflow\n    environment: dev\n    url: %s\n' "$1" "$2" >"$scratch/b.yaml"
	shift 2
	[[ $# == 0 ]] || printf '    %s\n' "$@" >>"$scratch/b.yaml"
}
get() {
	binnacle --config "$scratch/b.yaml" --wait 20 get "$@" 2>&1
}
seed() {
	python3 "$live_tests/mlseed.py" "$@"
}
post() {
	curl -fsS -m 20 -X POST -H 'Content-Type: application/json' "$1/api/2.0/mlflow/$2" -d "$3" >/dev/null
}
urls=("" "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL")
versions=("" 1.x 2.22 3.)
for v in 1 2 3; do
	check "MLflow $v is seeded" seed "${urls[v]}" "$model"
	config "ml$v" "${urls[v]}"
	like "$v: doctor finds the version by itself" "MLflow ${versions[v]}" "$(binnacle --config "$scratch/b.yaml" --wait 20 doctor 2>&1)"
	like "$v: champion, challenger, versions, metric, trend" \
		"$model,ready,6,7,7,[^,]*,r2_score,0.412,0.0849[^,]*,0.301 0.342 0.351 0.377 0.384 0.412 0.447" "$(get models "name=$model" -o csv)"
	role=champion
	((v > 1)) || role=Production
	like "$v: a version with its role, metrics of its run, who and how large" \
		"$model,6,$role,ready,[^,]*,r2_score,0.412,\"?loss=[^\"]*rmse=612400\"?,ada,114000" "$(get versions "model=$model version=6" -o csv)"
	equal "$v: every version" 7 "$(get versions "model=$model" -o csv | tail -n +2 | wc -l)"
	like "$v: a run that failed, of its experiment" "train-broken,$model,failed" "$(get trainings "experiment=$model" -o csv)"
	like "$v: the version that a run became" "train-7,$model,finished.*$model v7" "$(get trainings "experiment=$model" -o csv)"
	like "$v: the experiment" "$model,active" "$(get experiments -o csv)"
	like "$v: who promoted it and why, by its tags" "$model,[^,]*,v6,stage Production,,ada,r2 0.412 over 0.384" "$(get promotions "model=$model" -o csv)"
done

# What is seen of a champion goes into the local history, and stays when MLflow has forgotten it.
config ml3 "$MLFLOW3_URL"
like "a champion is found" "v6,\"?champion, found so" "$(get promotions "model=$model" -o csv)"
post "$MLFLOW3_URL" registered-models/alias "{\"name\":\"$model\",\"alias\":\"champion\",\"version\":\"7\"}"
like "an alias that was moved is noticed" "v7,became champion,v6" "$(get promotions "model=$model" -o csv)"
like "and remembered" "v7,became champion,v6" "$(get promotions "model=$model" -o csv)"
like "while who was there before is too" "v6,\"?champion, found so" "$(get promotions "model=$model" -o csv)"

for v in 1 2 3; do
	check "MLflow $v is left as it was" seed "${urls[v]}" --delete "$model"
	config "ml$v" "${urls[v]}"
	unlike "$v: a deleted model is gone" "$model" "$(get models -o csv)"
done

config auth "$MLFLOW_AUTH_URL"
like "without a login: what to set" "set user and password" "$(get models)"
export T51_PASSWORD=$MLFLOW_AUTH_PASSWORD T51_WRONG=not-the-password
config auth "$MLFLOW_AUTH_URL" "user: $MLFLOW_AUTH_USER" "password: {env: T51_WRONG}"
said=$(get models)
like "a wrong password is said" "see that user and password" "$said"
unlike "but not shown" "$T51_WRONG" "$said"
config auth "$MLFLOW_AUTH_URL" "user: $MLFLOW_AUTH_USER" "password: {env: T51_PASSWORD}"
MLFLOW_USER=$MLFLOW_AUTH_USER MLFLOW_PASSWORD=$MLFLOW_AUTH_PASSWORD check "a server with logins is seeded" seed "$MLFLOW_AUTH_URL" "$model"
like "with the right one: rows" "$model" "$(get models)"
like "doctor says as whom" "as $MLFLOW_AUTH_USER|by user and password" "$(binnacle --config "$scratch/b.yaml" --wait 20 doctor 2>&1)"
MLFLOW_USER=$MLFLOW_AUTH_USER MLFLOW_PASSWORD=$MLFLOW_AUTH_PASSWORD seed "$MLFLOW_AUTH_URL" --delete "$model" >/dev/null
finish
