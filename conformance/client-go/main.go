// Command client-go drives the libraries that Kubernetes programs are made of (informers, reflectors, pages, leader
// election, dynamic and metadata clients, apply configurations, streams, events, tokens, certificates) against the
// cluster of KUBECONFIG and says what failed.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const namespace = "client-go"

// suite is what every step works with.
type suite struct {
	config *rest.Config
	client *kubernetes.Clientset
}

type step struct {
	name string
	run  func(context.Context, *suite) error
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fmt.Println("FAILED: no configuration:", err)
		os.Exit(1)
	}
	config.QPS = -1
	s := &suite{config: config, client: kubernetes.NewForConfigOrDie(config)}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	if _, err := s.client.CoreV1().Namespaces().Create(ctx, newNamespace(), metav1.CreateOptions{}); err != nil {
		fmt.Println("FAILED: no namespace:", err)
		os.Exit(1)
	}
	failed := 0
	steps := append(append(append(readSteps, writeSteps...), accessSteps...), streamSteps...)
	for _, one := range steps {
		started := time.Now()
		if err := one.run(ctx, s); err != nil {
			failed++
			fmt.Printf("FAILED: %s: %v\n", one.name, err)
			continue
		}
		fmt.Printf("ok      %s (%s)\n", one.name, time.Since(started).Round(time.Millisecond))
	}
	if failed > 0 {
		os.Exit(1)
	}
	fmt.Println("client-go: passed")
}

// eventually polls until the condition holds; its last error says what was missing.
func eventually(ctx context.Context, condition func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}
