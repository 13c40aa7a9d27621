/* What is wrong, found in documents alone: each case is an object as the API server gives it, its events and what it
 * uses, and what must be said first. Quotes are single here, to be readable in C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "backends/kubernetes/pod.h"
#include "backends/kubernetes/tree.h"
#include "backends/kubernetes/why.h"

#define NOW 1795244400000     /* 2026-11-21T07:00:00Z */

static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_error_t err;
	json_t *v;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	v = json_loads(copy, 0, &err);
	if (!v)
		fail_msg("%s in %s", err.text, copy);
	free(copy);
	return v;
}

/* A pod on node n1 with one container, in the given status. */
#define POD(spec, status) "{'object': {'kind':'Pod','metadata':{'name':'api-1','namespace':'ml','uid':'u1'}," \
	"'spec':{'nodeName':'n1','containers':[{'name':'server','image':'reg/api:v7','resources':{'limits':{'memory':'512Mi'}}," \
	"'livenessProbe':{'httpGet':{'path':'/healthz','port':8080}},'readinessProbe':{'tcpSocket':{'port':'http'}}}]" spec "}," \
	"'status':{" status "}}"
#define EVENT(reason, message) "'events':[{'type':'Warning','reason':'" reason "','message':'" message "','count':4," \
	"'lastTimestamp':'2026-11-21T06:58:00Z','firstTimestamp':'2026-11-21T06:30:00Z','involvedObject':{'uid':'u1','name':'api-1'," \
	"'fieldPath':'spec.containers{server}'}}]"
#define WAITING(reason, message, last) "'phase':'Running','containerStatuses':[{'name':'server','restartCount':4,'ready':false," \
	"'state':{'waiting':{'reason':'" reason "','message':'" message "'}}" last "}]"
#define LAST(code, reason) ",'lastState':{'terminated':{'exitCode':" code ",'reason':'" reason "'," \
	"'startedAt':'2026-11-21T06:50:00Z','finishedAt':'2026-11-21T06:57:00Z'}}"
#define RUNS "'phase':'Running','containerStatuses':[{'name':'server','ready':true,'state':{'running':" \
	"{'startedAt':'2026-11-21T06:00:00Z'}}}]"

struct wanted { const char *name, *facts; int level; const char *first, *evidence, *link_what; };
static const struct wanted cases[] = {
	{ "oom", POD("", WAITING("CrashLoopBackOff", "back-off 5m0s", LAST("137", "OOMKilled"))) "}", LEVEL_BAD,
	  "container 'server' was killed for lack of memory (OOMKilled), limit 512Mi", "exit code 137 OOMKilled 3m ago, ran 7m, 4 restarts",
	  "logs-previous" },
	{ "exit 1", POD("", WAITING("CrashLoopBackOff", "", LAST("1", "Error"))) "}", LEVEL_BAD,
	  "container 'server' ended with exit code 1: the program failed by itself", "exit code 1 Error", "logs-previous" },
	{ "exit 139", POD("", WAITING("CrashLoopBackOff", "", LAST("139", "Error"))) "}", LEVEL_BAD, "segmentation fault", "139", NULL },
	{ "exit 143", POD("", WAITING("CrashLoopBackOff", "", LAST("143", "Error"))) "}", LEVEL_BAD, "asked to end (SIGTERM)", "143", NULL },
	{ "exit 137 without oom", POD("", WAITING("CrashLoopBackOff", "", LAST("137", "Error"))) "}", LEVEL_BAD, "killed (SIGKILL)", "137", NULL },
	{ "exit 0 again and again", POD("", WAITING("CrashLoopBackOff", "", LAST("0", "Completed"))) "}", LEVEL_BAD,
	  "ends by itself with exit code 0", "", NULL },
	{ "start error", POD("", WAITING("RunContainerError", "exec: no such file", "")) "}", LEVEL_BAD, "cannot be made: exec: no such file", "", NULL },
	{ "image not found", POD("", WAITING("ImagePullBackOff", "Back-off pulling image", ""))
	  "," EVENT("Failed", "Failed to pull image: manifest unknown") "}", LEVEL_BAD,
	  "image reg/api:v7 cannot be pulled: the registry has no such tag", "ImagePullBackOff", "describe" },
	{ "image auth", POD("", WAITING("ErrImagePull", "401 Unauthorized", "")) "}", LEVEL_BAD, "refuses the credentials", "", NULL },
	{ "image dns", POD("", WAITING("ErrImagePull", "lookup reg: no such host", "")) "}", LEVEL_BAD, "cannot be resolved (DNS)", "", NULL },
	{ "image name", POD("", WAITING("InvalidImageName", "x", "")) "}", LEVEL_BAD, "name is malformed", "", NULL },
	{ "no secret", POD("", WAITING("CreateContainerConfigError", "secret db not found", "")) "}", LEVEL_BAD, "secret db not found", "", "yaml" },
	{ "liveness", POD("", RUNS) "," EVENT("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500") "}", LEVEL_BAD,
	  "the liveness probe of container 'server' fails, so it is restarted (GET HTTP://:8080/healthz", "x4, last 2m ago", "logs" },
	{ "readiness", POD("", RUNS) "," EVENT("Unhealthy", "Readiness probe failed: dial tcp: refused") "}", LEVEL_DOUBT,
	  "so it gets no traffic (tcp :http", "refused", "logs" },
	{ "mount", POD("", "'phase':'Pending'") "," EVENT("FailedMount", "MountVolume.SetUp failed: Multi-Attach error") "}", LEVEL_BAD,
	  "still attached to another node", "Multi-Attach", NULL },
	{ "sandbox", POD("", "'phase':'Pending'") "," EVENT("FailedCreatePodSandBox", "cni: no address left") "}", LEVEL_BAD, "network or sandbox", "cni", NULL },
	{ "unschedulable", POD(",'nodeName':''", "'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable',"
	  "'message':'0/5 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint {gpu: true}, 2 node(s) were unschedulable. preemption: no'}]") "}",
	  LEVEL_BAD, "no node takes it: of 5 nodes: 1 have too little free memory, 2 have the taint gpu=true that it does not tolerate, 2 are cordoned",
	  "0/5 nodes", NULL },
	{ "gated", POD(",'schedulingGates':[{'name':'quota.example.com'}]", "'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False',"
	  "'reason':'SchedulingGated'}]") "}", LEVEL_BUSY, "scheduling gate 'quota.example.com'", "", NULL },
	{ "evicted", POD("", "'phase':'Failed','reason':'Evicted','message':'The node was low on resource: memory.'") "}", LEVEL_BAD,
	  "its node evicted it: The node was low on resource", "", NULL },
	{ "init fails", "{'object':{'kind':'Pod','metadata':{'name':'a','namespace':'ml','uid':'u1'},'spec':{'initContainers':[{'name':'fetch'}]},"
	  "'status':{'phase':'Pending','initContainerStatuses':[{'name':'fetch','state':{'waiting':{'reason':'CrashLoopBackOff'}}" LAST("2", "Error") "}]}}}",
	  LEVEL_BAD, "init container 'fetch' ended with exit code 2", "", NULL },
	{ "init stuck", "{'object':{'kind':'Pod','metadata':{'name':'a','namespace':'ml','uid':'u1'},'spec':{'nodeName':'n','initContainers':[{'name':'fetch'}]},"
	  "'status':{'phase':'Pending','initContainerStatuses':[{'name':'fetch','state':{'running':{'startedAt':'2026-11-21T06:00:00Z'}}}]}}}",
	  LEVEL_DOUBT, "init container 'fetch' still runs: everything after it waits", "60m", "logs" },
	{ "readiness gate", POD(",'readinessGates':[{'conditionType':'lb/ready'}]", RUNS) "}", LEVEL_DOUBT, "readiness gate 'lb/ready' is not met", "", NULL },
	{ "claim pending", POD(",'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'data'}}]", "'phase':'Pending'")
	  ",'claims':[{'metadata':{'name':'data','namespace':'ml'},'status':{'phase':'Pending'}}]}", LEVEL_BAD, "its volume claim 'data' is not bound yet", "", "describe" },
	{ "claim missing", POD(",'volumes':[{'name':'d','persistentVolumeClaim':{'claimName':'data'}}]", "'phase':'Pending'") ",'claims':[]}",
	  LEVEL_BAD, "the volume claim 'data' does not exist", "", NULL },
	{ "node lost", POD("", RUNS) ",'nodes':[{'kind':'Node','metadata':{'name':'n1'},'status':{'conditions':[{'type':'Ready','status':'Unknown',"
	  "'lastTransitionTime':'2026-11-21T06:50:00Z','message':'Kubelet stopped posting node status.'}]}}]}", LEVEL_BAD,
	  "its node n1 does not answer", "Ready is Unknown for 10m", NULL },
	{ "finalizer", "{'object':{'kind':'Pod','metadata':{'name':'a','namespace':'ml','uid':'u1','deletionTimestamp':'2026-11-21T06:00:00Z',"
	  "'finalizers':['x/y']},'spec':{'nodeName':'n'},'status':{'phase':'Running'}}}", LEVEL_DOUBT, "the finalizer 'x/y' holds it", "", NULL },
	{ "node pressure", "{'object':{'kind':'Node','metadata':{'name':'n1'},'spec':{'unschedulable':true},'status':{'conditions':["
	  "{'type':'Ready','status':'True'},{'type':'DiskPressure','status':'True','message':'disk is low'}]}}}", LEVEL_BAD,
	  "the node n1 is short of disk and evicts pods", "disk is low", NULL },
	{ "node cordoned", "{'object':{'kind':'Node','metadata':{'name':'n1'},'spec':{'unschedulable':true},'status':{'conditions':["
	  "{'type':'Ready','status':'True'}]}}}", LEVEL_DOUBT, "the node is cordoned", "", NULL },
	{ "deadline", "{'object':{'kind':'Deployment','metadata':{'name':'d','namespace':'ml','uid':'d'},'spec':{'replicas':2},'status':{'conditions':["
	  "{'type':'Progressing','status':'False','reason':'ProgressDeadlineExceeded'}]}},'pods':[{'kind':'Pod','metadata':{'uid':'p'},'status':{'phase':'Running'}}]}",
	  LEVEL_BAD, "made no progress within its deadline", "", NULL },
	{ "quota", "{'object':{'kind':'Deployment','metadata':{'name':'d','namespace':'ml','uid':'d'},'spec':{'replicas':2},'status':{'conditions':["
	  "{'type':'ReplicaFailure','status':'True','reason':'FailedCreate','message':'pods x is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5'}]}}}",
	  LEVEL_BAD, "no pod can be created: the quota 'team' is exhausted: requested: pods=1, used: pods=5, limited: pods=5", "", NULL },
	{ "hpa fights", "{'object':{'kind':'Deployment','metadata':{'name':'d','namespace':'ml','uid':'d','managedFields':[{'manager':'argocd-controller',"
	  "'operation':'Apply','fieldsV1':{'f:spec':{'f:replicas':{}}}}]},'spec':{'replicas':2},'status':{'readyReplicas':2}},'pods':[{'kind':'Pod','metadata':{'uid':'p'}}],"
	  "'hpas':[{'metadata':{'name':'h','namespace':'ml'},'spec':{'scaleTargetRef':{'kind':'Deployment','name':'d'}},'status':{'desiredReplicas':2}}]}",
	  LEVEL_DOUBT, "'argocd-controller' and the autoscaler 'h' fight over", "", NULL },
	{ "job", "{'object':{'kind':'Job','metadata':{'name':'j','namespace':'ml','uid':'j'},'status':{'failed':7,'conditions':[{'type':'Failed','status':'True',"
	  "'reason':'BackoffLimitExceeded'}]}}}", LEVEL_BAD, "failed as often as it may (backoffLimit)", "", NULL },
	{ "service", "{'object':{'kind':'Service','metadata':{'name':'s','namespace':'ml','uid':'s'},'spec':{'selector':{'app':'x'}}},'pods':[]}",
	  LEVEL_BAD, "no pod matches its selector", "app=x", NULL },
	{ "cron job", "{'object':{'kind':'CronJob','metadata':{'name':'c','namespace':'ml','uid':'c'},'status':{'lastScheduleTime':'2026-11-21T06:00:00Z'}}}",
	  LEVEL_BAD, "its last job has not succeeded, and none ever has", "", NULL },
	{ "custom resource", "{'object':{'kind':'InferenceService','metadata':{'name':'i','namespace':'ml','uid':'i'},'status':{'conditions':["
	  "{'type':'Ready','status':'False','reason':'PredictorNotReady','message':'no pods'}]}}}", LEVEL_BAD, "condition Ready is False: PredictorNotReady", "no pods", NULL },
	{ "well", POD("", RUNS) "}", LEVEL_OK, "nothing wrong is to be seen", "Running", NULL },
	{ "nothing known", "{'object':{}}", LEVEL_OK, "nothing wrong", "", NULL },
	{ "not even an object", "{}", LEVEL_OK, "nothing wrong", "", NULL },
	{ "old warnings are history", POD("", RUNS) ",'events':[{'type':'Warning','reason':'FailedMount','message':'x','lastTimestamp':'2026-11-21T01:00:00Z',"
	  "'involvedObject':{'uid':'u1'}}]}", LEVEL_OK, "nothing wrong", "", NULL },
};

static void test_cases(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct wanted *c = &cases[i];
		json_t *facts = parse(c->facts), *found = why_findings(facts, NOW), *first = json_array_get(found, 0);
		char *all = json_dumps(found, JSON_INDENT(1));

		if (!strstr(jtext(first, "text"), c->first) || jint(first, "level", -1) != c->level ||
		    !strstr(jtext(first, "evidence"), c->evidence) || (c->link_what && !jis(first, "link.what", c->link_what)))
			fail_msg("%s: wanted '%s' (%d), evidence '%s'; found %s", c->name, c->first, c->level, c->evidence, all);
		free(all);
		json_decref(found);
		json_decref(facts);
	}
}

/* Three pods that say the same make one finding. */
static void test_pods_are_counted(void **state)
{
#define SICK(uid) "{'kind':'Pod','metadata':{'name':'p" uid "','namespace':'ml','uid':'" uid "'},'spec':{'containers':[{'name':'server'}]}," \
	"'status':{" WAITING("CrashLoopBackOff", "", LAST("1", "Error")) "}}"
	json_t *facts = parse("{'object':{'kind':'Deployment','metadata':{'name':'d','namespace':'ml','uid':'d'},'spec':{'replicas':4},"
		"'status':{'readyReplicas':1}},'pods':[" SICK("1") "," SICK("2") "," SICK("3") ",{'kind':'Pod','metadata':{'uid':'4'},'status':{'phase':'Running'}}]}");
	json_t *found = why_findings(facts, NOW), *first = json_array_get(found, 0);

	assert_non_null(strstr(jtext(first, "text"), "3 of 4 pods: container 'server' ended with exit code 1"));
	assert_string_equal(jtext(first, "link.key"), "ml/p1/server");
	assert_null(json_object_get(first, "pods"));
	assert_int_equal(json_array_size(found), 2);           /* and: not all of it is ready */
	json_decref(found);
	json_decref(facts);
}

static void test_scheduler_words(void **state)
{
	static const char *const pairs[][2] = {
		{ "0/3 nodes are available: 3 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate.",
		  "of 3 nodes: 3 have the taint dedicated=gpu that it does not tolerate" },
		{ "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes",
		  "of 2 nodes: 2 do not match the pod's node selector or affinity" },
		{ "0/9 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "of 9 nodes: wait for its volume claim to be bound" },
		{ "0/1 nodes are available: 1 Insufficient example.com/fpga.", "of 1 nodes: 1 have too little free example.com/fpga" },
		{ "0/1 nodes are available: 1 node(s) did something new.", "of 1 nodes: 1 did something new" },
	};
	struct buf out = { 0 };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		buf_clear(&out);
		assert_true(why_unschedulable(pairs[i][0], &out));
		assert_string_equal(out.data, pairs[i][1]);
	}
	buf_clear(&out);
	assert_false(why_unschedulable("", &out));
	assert_false(why_unschedulable("skip schedule deleting pod", &out));
	assert_false(why_unschedulable(" nodes are available: ", &out));
	assert_true(why_unschedulable("0/1 nodes are available: }}{,{,,", &out));
	buf_release(&out);
}

static void test_pod_statuses(void **state)
{
	static const char *const pairs[][2] = {
		{ "{'spec':{'containers':[{}]},'status':{'phase':'Running','containerStatuses':[{'ready':true,'state':{'running':{}}}]}}", "Running" },
		{ "{'status':{'phase':'Failed','reason':'Evicted'}}", "Evicted" },
		{ "{'metadata':{'deletionTimestamp':'x'},'status':{'phase':'Running'}}", "Terminating" },
		{ "{'metadata':{'deletionTimestamp':'x'},'status':{'phase':'Running','reason':'NodeLost'}}", "Unknown" },
		{ "{'status':{'phase':'Pending','initContainerStatuses':[{'state':{'terminated':{'exitCode':0}}},{'state':{'running':{}}}]},"
		  "'spec':{'initContainers':[{},{},{}]}}", "Init:1/3" },
		{ "{'status':{'phase':'Pending','initContainerStatuses':[{'state':{'terminated':{'exitCode':3}}}]},'spec':{'initContainers':[{}]}}", "Init:ExitCode:3" },
		{ "{'status':{'phase':'Pending','initContainerStatuses':[{'state':{'waiting':{'reason':'CrashLoopBackOff'}}}]}}", "Init:CrashLoopBackOff" },
		{ "{'status':{'phase':'Failed','containerStatuses':[{'state':{'terminated':{'exitCode':1,'signal':9}}}]}}", "Signal:9" },
		{ "{'status':{'phase':'Running','containerStatuses':[{'ready':true,'state':{'running':{}}},{'state':{'terminated':{'reason':'Completed'}}}]}}", "NotReady" },
		{ "{}", "Unknown" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		json_t *pod = parse(pairs[i][0]);
		struct pod_brief b = pod_brief(pod);

		assert_string_equal(b.status, pairs[i][1]);
		json_decref(pod);
	}
}

static void test_tree(void **state)
{
	json_t *root = parse("{'kind':'Deployment','metadata':{'name':'d','namespace':'ml','uid':'D'},'spec':{'replicas':2},'status':{'readyReplicas':1}}");
	json_t *objects = parse("[{'kind':'ReplicaSet','metadata':{'name':'d-1','namespace':'ml','uid':'R1','annotations':{'deployment.kubernetes.io/revision':'1'},"
		"'ownerReferences':[{'uid':'D'}]},'spec':{'replicas':0}},"
		"{'kind':'ReplicaSet','metadata':{'name':'d-2','namespace':'ml','uid':'R2','annotations':{'deployment.kubernetes.io/revision':'2'},"
		"'ownerReferences':[{'uid':'D'}]},'spec':{'replicas':2},'status':{'readyReplicas':1}},"
		"{'kind':'Pod','metadata':{'name':'d-2-x','namespace':'ml','uid':'P','ownerReferences':[{'uid':'R2'}]},'spec':{'containers':[{'name':'c'}]},"
		"'status':{'phase':'Running'}},{'kind':'Pod','metadata':{'name':'stranger','uid':'S'}}]");
	json_t *tree = tree_build(root, objects, false, "P", NOW), *top = json_array_get(tree, 0);
	json_t *sets = json_object_get(top, "children"), *pod = json_array_get(json_object_get(json_array_get(sets, 0), "children"), 0);

	assert_string_equal(jtext(top, "text"), "Deployment d  1/2 ready");
	assert_int_equal(json_array_size(sets), 2);
	assert_string_equal(jtext(json_array_get(sets, 0), "key"), "ml/d-2");     /* the newest revision first */
	assert_int_equal(jint(json_array_get(sets, 1), "level", -1), LEVEL_DONE);
	assert_true(jtrue(pod, "here"));
	assert_string_equal(jtext(json_array_get(json_object_get(pod, "children"), 0), "key"), "ml/d-2-x/c");
	json_decref(tree);
	/* Owners in a circle end. */
	json_decref(root);
	root = parse("{'kind':'X','metadata':{'name':'x','uid':'A','ownerReferences':[{'uid':'B'}]}}");
	json_decref(objects);
	objects = parse("[{'kind':'X','metadata':{'name':'y','uid':'B','ownerReferences':[{'uid':'A'}]}},"
		"{'kind':'X','metadata':{'name':'x','uid':'A','ownerReferences':[{'uid':'B'}]}}]");
	tree = tree_build(root, objects, false, "", NOW);
	assert_int_equal(json_array_size(tree), 1);
	json_decref(tree);
	json_decref(root);
	json_decref(objects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_pods_are_counted), cmocka_unit_test(test_scheduler_words),
		cmocka_unit_test(test_pod_statuses), cmocka_unit_test(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
