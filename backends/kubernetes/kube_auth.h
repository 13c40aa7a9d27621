/* kube_auth: the private half of a kube_access: what it holds, and how it becomes headers. */
#ifndef KUBERNETES_KUBE_AUTH_H
#define KUBERNETES_KUBE_AUTH_H
#include "backends/kubernetes/exec_plugin.h"
#include <pthread.h>

struct kube_private {
	const struct clock *clock;
	/* constant after load */
	char *ca_pem, *ca_file, *tls_name, *proxy;
	char *cert_file, *key_file;              /* NULL when inline */
	char *token_file;
	char *username;
	struct secret password;
	char **impersonate; unsigned nimpersonate;   /* "Impersonate-User: x" */
	struct exec_plugin *exec;
	const atomic_bool *quit;                 /* of the source, else NULL */
	pthread_mutex_t plugin_lock;             /* held while the plugin runs; taken before the other */
	/* behind the lock */
	pthread_mutex_t lock;
	struct secret token, cert_pem, key_pem;
	int64_t token_read;                      /* mono ms; 0: never */
	struct exec_credential cached;
	bool have_cached;
	uint64_t which;                          /* number of the credential in use; grows with each new one */
};
/* Cert and key from their files into p; false and *err. Called with the lock held, or before threads. */
bool kube_auth_read_files(struct kube_private *p, struct kube_error *err);
#endif
