# shellcheck shell=bash
# For live tests: everything FILE writes the configuration in which all genuine systems are in one screen.
everything() {
	export S3_ACCESS_KEY S3_SECRET_KEY AIRFLOW_PASSWORD=admin
	cat >"$1" <<-YAML
		environments:
		  staging: {guard: confirm}
		sources:
		  eks: {type: kubernetes, environment: staging, kubeconfig: $KUBECONFIG, context: admin}
		  airflow2: {type: airflow, environment: staging, url: "$AIRFLOW2_URL", user: admin, password: {env: AIRFLOW_PASSWORD}}
		  airflow3: {type: airflow, environment: staging, url: "$AIRFLOW3_URL", user: admin, password: {env: AIRFLOW_PASSWORD}}
		  mlflow1: {type: mlflow, environment: staging, url: "$MLFLOW1_URL"}
		  mlflow2: {type: mlflow, environment: staging, url: "$MLFLOW2_URL"}
		  mlflow3: {type: mlflow, environment: staging, url: "$MLFLOW3_URL"}
		  pg: {type: postgres, environment: staging, connection: "$PG_URI"}
		  s3: {type: s3, environment: staging, endpoint: "$S3_URL", region: us-east-1, access_key: {env: S3_ACCESS_KEY}, secret_key: {env: S3_SECRET_KEY}}
		  model-api: {type: serving, environment: staging, url: "$REST_URL"}
		  model-api-v7: {type: serving, environment: staging, url: "$REST2_URL"}
		  kserve: {type: serving, environment: staging, url: "$KSERVE_URL"}
		  mlserver: {type: serving, environment: staging, url: "$MLSERVER_URL"}
		  scoring1: {type: serving, environment: staging, url: "$SCORING1_URL"}
		  scoring2: {type: serving, environment: staging, url: "$SCORING2_URL"}
		  scoring3: {type: serving, environment: staging, url: "$SCORING3_URL"}
		  ray: {type: serving, environment: staging, url: "$SERVE_URL", protocol: ray-serve}
		  cost:
		    type: cost
		    environment: staging
		    budgets: {session: {amount: 10, period: session, hours: 10}}
	YAML
}
