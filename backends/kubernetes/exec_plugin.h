/* exec_plugin: client-go credential plugins (client.authentication.k8s.io/v1 and v1beta1): a program that prints an
 * ExecCredential. It runs with no terminal (own session, stdin /dev/null), within a time limit, and nothing of it is left
 * afterwards: its process group is killed. */
#ifndef KUBERNETES_EXEC_PLUGIN_H
#define KUBERNETES_EXEC_PLUGIN_H
#include "backends/kubernetes/kubeconfig.h"
#include <stdatomic.h>

struct exec_plugin {                 /* all owned */
	char *command;                   /* absolute, or to be looked up in PATH */
	char **args; unsigned nargs;
	char **env; unsigned nenv;       /* "NAME=value" */
	char *api_version;               /* client.authentication.k8s.io/v1 */
	char *install_hint;              /* may be NULL */
	char *cluster_json;              /* spec.cluster of provideClusterInfo, or NULL */
};
struct exec_credential {
	struct secret token, cert_pem, key_pem;
	int64_t expires_ms;              /* wall; 0: as long as the process lives */
};
/* Runs it. False and *err. Ends early, with an error, once *quit is true. */
bool exec_plugin_run(const struct exec_plugin *p, int limit_ms, const atomic_bool *quit, struct exec_credential *out,
                     struct kube_error *err);
void exec_credential_release(struct exec_credential *c);
void exec_plugin_free(struct exec_plugin *p);     /* NULL is fine */
#endif
