/* Any bytes as a kubeconfig: its contexts are listed and each is loaded. No plugin runs and no server is asked. */
#define _GNU_SOURCE
#include "backends/kubernetes/kubeconfig.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool load(void *path, const struct kube_context *c)
{
	struct kube_error err = { 0 };
	struct kube_access *a = kube_access_load(&(struct kube_options){ .kubeconfig = path, .context = c->name },
	                                         &clock_system, &err);
	if (a && (!a->server || !a->namespace || !a->described))
		abort();
	if (!a && !err.what[0])
		abort();
	if (a)
		kube_access_free(a);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_error err = { 0 };
	char path[40];
	int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kubeconfig_contexts(path, load, path, &err) < 0 && !err.what[0])
		abort();
	load(path, &(struct kube_context){ 0 });
	close(fd);
	return 0;
}
