#!/usr/bin/env bash
# All systems at once: one configuration, one screen; one system's failure never dims another.
# needs: airflow2 airflow3 mlflow1 mlflow2 mlflow3 s3 mlserver kserve scoring1 scoring2 scoring3 ray rest rest2
. "$(dirname "$0")/lib.sh"
. "$live_tests/everything.sh"

everything "$scratch/b.yaml"
mkdir -p "$S3_DATA/t60-artifacts"        # a folder of versitygw's is a bucket
for url in "$MLFLOW1_URL" "$MLFLOW2_URL" "$MLFLOW3_URL"; do
	curl -sS -m 10 -o /dev/null "$url/api/2.0/mlflow/registered-models/create" -d '{"name":"t60_model"}' -H 'Content-Type: application/json'
done

said=$(binnacle --config "$scratch/b.yaml" --wait 60 doctor 2>&1)
for source in eks airflow2 airflow3 mlflow1 mlflow2 mlflow3 pg s3 model-api model-api-v7 kserve mlserver scoring1 scoring2 \
	scoring3 ray cost; do
	like "doctor reaches $source" "(^|"$'\n'")$source \\([^"$'\n'"]*"$'\n'"  ok +(reachable|budget|credentials)" "$said"
done
# (Airflow calls its scheduler unhealthy where it was busy for some seconds)
equal "and finds nothing wrong" "" "$(grep '^  WRONG ' <<<"$said" | grep -vE '^  WRONG +(scheduler|triggerer|dag_processor)')"

# sources_of KIND: which sources have rows of it
sources_of() {
	binnacle --config "$scratch/b.yaml" --wait 60 get "$1" -o json 2>"$scratch/said" |
		python3 -c 'import json, sys; print(*sorted({row["source"] for row in json.load(sys.stdin)}))'
}
equal "pods" "eks" "$(sources_of pods)"
equal "pipelines of two Airflows" "airflow2 airflow3" "$(sources_of pipelines)"
equal "models of three MLflows" "mlflow1 mlflow2 mlflow3" "$(sources_of models)"
like "buckets" "s3" "$(sources_of buckets)"
equal "endpoints of every protocol" "kserve mlserver model-api model-api-v7 ray scoring1 scoring2 scoring3" "$(sources_of modelendpoints)"
like "drift" "pg" "$(sources_of drift)"
like "what it costs" "cost" "$(sources_of costs)"
# of several sources that could do it, the one that has it
like "an endpoint is acted on where it is" "^model-api: reload model-api" "$(binnacle act reload modelendpoints model-api --plan --config "$scratch/b.yaml" 2>&1)"
like "what two have asks which" "say which one with --source: airflow2, airflow3" "$(binnacle act pause pipelines mlops_full_pipeline --plan --config "$scratch/b.yaml" 2>&1)"
like "an object by its address, though clusters have objects too" "^s3: delete s3://no-such/x" "$(binnacle act delete objects s3://no-such/x --plan --config "$scratch/b.yaml" 2>&1)"

for size in 80x24 120x40 200x50; do
	for pane in triage cluster pipelines registry drift cost predict storage; do
		said=$(binnacle --config "$scratch/b.yaml" --wait 60 snapshot "$pane" --size "$size" 2>&1)
		equal "$pane at $size has so many lines" "${size#*x}" "$(wc -l <<<"$said")"
		unlike "$pane at $size says nothing is refused" "refused|cannot|no source" "$(sed 1d <<<"$said" | head -4)"
	done
done

mlservers stop mlflow2
mlservers stop rest2
equal "one registry is down: the others show theirs" "mlflow1 mlflow3" "$(sources_of models)"
like "and it is told which, and why" "mlflow2" "$(cat "$scratch/said")"
like "one endpoint is down: the others answer" "kserve mlserver model-api .*scoring3" "$(sources_of modelendpoints)"
like "pipelines do not know of it" "airflow2 airflow3" "$(sources_of pipelines)"
mlservers start mlflow2 rest2
equal "and when it is back" "mlflow1 mlflow2 mlflow3" "$(sources_of models)"
finish
