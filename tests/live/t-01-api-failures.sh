#!/usr/bin/env bash
# The failures that other tests provoke can be provoked, and leave the servers whole.
. "$(dirname "$0")/lib.sh"

answers() {
	kubectl --request-timeout 20s get --raw /readyz
}

check "the API server stops" servers stop-api
refuse "then it does not answer" answers
check "and starts again" servers start-api
check "with what it had" kubectl get nodes
check "another certificate of the same authority" servers rotate-cert
check "is trusted" answers
check "one of another authority" servers rotate-cert --new-ca
like "is not" "unknown authority" "$(answers 2>&1)"
check "the first authority again" servers rotate-cert
check "is trusted again" within 30 answers
check "PostgreSQL stops" servers stop-pg
refuse "then it does not answer" sql 'select 1'
check "and starts again" servers start-pg
equal "with what it had" 60 "$(sql 'select count(*) from drift_history')"
finish
