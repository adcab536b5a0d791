// Command controller-runtime drives a manager (typed protobuf client, cache, webhook server, leader
// election, owned objects, status, server-side apply) against the cluster of KUBECONFIG and says what failed.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

const namespace = "controller-runtime"

var scheme = runtime.NewScheme()

// suite is what every step works with.
type suite struct {
	config *rest.Config
	// direct reads and writes the API, without a cache.
	direct client.WithWatch
	folder string
}

type step struct {
	name string
	run  func(context.Context, *suite) error
}

func main() {
	_ = clientgoscheme.AddToScheme(scheme)
	_ = apiextensionsv1.AddToScheme(scheme)
	ctrl.SetLogger(logr.Discard())
	if os.Getenv("VERBOSE") != "" {
		ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	}
	config := ctrl.GetConfigOrDie()
	config.QPS = -1
	direct, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		fmt.Println("FAILED: no client:", err)
		os.Exit(1)
	}
	folder, err := os.MkdirTemp("", "fairlead-manager-")
	if err != nil {
		panic(err)
	}
	s := &suite{config: config, direct: direct, folder: folder}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	steps := append(clientSteps, managerSteps...)
	failed := 0
	for _, one := range steps {
		started := time.Now()
		if err := one.run(ctx, s); err != nil {
			failed++
			fmt.Printf("FAILED: %s: %v\n", one.name, err)
			continue
		}
		fmt.Printf("ok      %s (%s)\n", one.name, time.Since(started).Round(time.Millisecond))
	}
	cancel()
	_ = os.RemoveAll(filepath.Clean(folder))
	if failed > 0 {
		os.Exit(1)
	}
	fmt.Println("controller-runtime: passed")
}

// eventually polls until the condition holds; its last error says what was missing.
func eventually(ctx context.Context, condition func() error) error {
	return within(ctx, 20*time.Second, condition)
}

func within(ctx context.Context, limit time.Duration, condition func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, limit, true, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

func newNamespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: ctrl.ObjectMeta{Name: name}}
}
