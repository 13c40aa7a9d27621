//go:build tools

// Package etcd pins the store of the API server. It has a module of its own because its
// requirements would move those of Kubernetes.
package etcd

import _ "go.etcd.io/etcd/server/v3"
