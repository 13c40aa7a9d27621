/* list: every backend, one line each. */
#ifndef BACKENDS_LIST_H
#define BACKENDS_LIST_H
#include "base/source.h"

#define BACKENDS(X) \
	X(kubernetes) \
	X(airflow) \
	X(postgres) \
	X(reports) \
	X(serving) \
	X(models) \
	X(mlflow) \
	X(cost) \
	X(s3) \
	X(prometheus) \
	X(alertmanager) \
	X(plugin) \
	X(demo)

#define X(name) extern const struct backend backend_##name;
BACKENDS(X)
#undef X

static const struct backend *const backends_all[] = {
#define X(name) &backend_##name,
	BACKENDS(X)
#undef X
	NULL
};
#endif
