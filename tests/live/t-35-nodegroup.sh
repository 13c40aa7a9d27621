#!/usr/bin/env bash
# needs: moto
# A managed node group of EKS to no nodes and back, on moto's EKS.
. "$(dirname "$0")/lib.sh"
drive_bin=$(dirname "$BINNACLE")/tests/live/drive
audit=$scratch/audit.jsonl
export AWS_ACCESS_KEY_ID=AKIDACTS AWS_SECRET_ACCESS_KEY=actssecret AWS_EC2_METADATA_DISABLED=true
cluster=acts-$$ group=gpu key="group/node group/kube/gpu"

eks() { # METHOD PATH [BODY]
	curl -s -X "$1" "$MOTO_URL$2" -H 'Content-Type: application/json' -H \
		'Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=x' ${3:+-d "$3"}
}
drive() {
	timeout -k 5 180 "$drive_bin" --source "{type: cost, aws: {region: eu-west-1, endpoint: '${url:-$MOTO_URL}'${named-, eks_cluster: $cluster}}}" \
		--audit "$audit" --wait 90000 "$@" 2>&1
}
sizes() {
	eks GET "/clusters/$cluster/node-groups/$group" | python3 -c 'import json,sys; s=json.load(sys.stdin)["nodegroup"]["scalingConfig"]; print(s["minSize"], s["desiredSize"], s["maxSize"])'
}
trap 'eks DELETE /clusters/$cluster/node-groups/$group >/dev/null; eks DELETE /clusters/$cluster >/dev/null; rm -rf "$scratch"' EXIT
eks POST /clusters '{"name":"'$cluster'","roleArn":"arn:aws:iam::123456789012:role/eks","resourcesVpcConfig":{"subnetIds":["subnet-1"]}}' >"$scratch/made"
eks POST /clusters/$cluster/node-groups '{"nodegroupName":"gpu","scalingConfig":{"minSize":1,"desiredSize":2,"maxSize":4},"subnets":["subnet-1"],"nodeRole":"arn:aws:iam::123456789012:role/eks"}' >>"$scratch/made"
equal "a node group of two" "1 2 4" "$(sizes)"
said=$(drive act scale-zero costs "$key")
like "to zero: done" 'state: done' "$said"
like "to zero: what changes" 'nodes 2 -> 0, at least 1 -> 0, at most 4 -> 4' "$said"
like "to zero: a schedule is shown" 'shown and not run by us: 0 20' "$said"
equal "to zero: it is so" "0 0 4" "$(sizes)"
like "to zero: already" 'it has these sizes already' "$(drive plan scale-zero costs "$key")"
like "back: done" 'state: done' "$(drive act scale-back costs "$key" '{"min":1,"desired":2,"max":4}')"
said=$(drive --undo act scale-zero costs "$key")
equal "to zero, and undone" "2 1 2 4" "$(grep -c '^state: done' <<<"$said") $(sizes)"
cat >"$scratch/grow" <<END
curl -s -X POST '$MOTO_URL/clusters/$cluster/node-groups/$group/update-config' -H 'Content-Type: application/json' -H \
	'Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=x' \
	-d '{"scalingConfig":{"minSize":1,"maxSize":4,"desiredSize":3}}' >/dev/null
END
said=$(drive --between "sh $scratch/grow" act scale-zero costs "$key")
like "changed meanwhile: refused" 'it changed since the plan was shown' "$said"
equal "changed meanwhile: as it was" 3 "$(sizes | cut -d' ' -f2)"
like "sizes out of order" 'have to be in order' "$(drive plan scale-back costs "$key" '{"min":3,"desired":1,"max":2}')"
like "what is no node group" 'only node groups have a size' "$(drive plan scale-zero costs 'namespace/namespace/kube/ml')"
like "no such group" 'AWS EKS|No node group' "$(drive plan scale-zero costs 'group/node group/kube/none')"
like "no cluster named" 'set aws.eks_cluster' "$(named='' drive plan scale-zero costs "$key")"
like "AWS is not there" 'refused|cannot|connect' "$(url=http://127.0.0.1:1 drive plan scale-zero costs "$key")"
equal "audit: a run and an outcome for each" "$(grep -c '"event":"run"' "$audit")" "$(grep -c '"event":"outcome"' "$audit")"
unlike "no keys in the audit file" 'actssecret|AWS4' "$(cat "$audit")"
finish
