package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

var readSteps = []step{
	{"a shared informer sees additions, changes and deletions, and resyncs", sharedInformer},
	{"a reflector gets its first state as a watch", reflectorWatchList},
	{"lists in pages, exactly at a version, and not older than one", pagesAndVersions},
	{"a retry watcher goes on after each end of a watch", retryWatcher},
	{"dynamic and metadata clients", dynamicAndMetadata},
	{"discovery, RESTMapper and OpenAPI v3 know every group", discoveryAndMapper},
	{"every group version has an APIService that is available", apiServices},
}

func newNamespace() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
}

func newConfigMap(name string, labels map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Data: map[string]string{"a": "b"}}
}

func sharedInformer(ctx context.Context, s *suite) error {
	maps := s.client.CoreV1().ConfigMaps(namespace)
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, time.Second, informers.WithNamespace(namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	var lock sync.Mutex
	seen := map[string]int{}
	count := func(what string) {
		lock.Lock()
		defer lock.Unlock()
		seen[what]++
	}
	_, err := informer.AddEventHandler(cache.FilteringResourceEventHandler{
		FilterFunc: func(object any) bool {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			return object.(*corev1.ConfigMap).Labels["step"] == "informer"
		},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { count("added") },
			DeleteFunc: func(any) { count("deleted") },
			UpdateFunc: func(before, after any) {
				if before.(*corev1.ConfigMap).ResourceVersion == after.(*corev1.ConfigMap).ResourceVersion {
					count("resynced")
				} else {
					count("changed")
				}
			},
		},
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	factory.Start(running.Done())
	factory.WaitForCacheSync(running.Done())
	made, err := maps.Create(ctx, newConfigMap("informer", map[string]string{"step": "informer"}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Data["a"] = "c"
	if _, err := maps.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	has := func(what string) func() error {
		return func() error {
			lock.Lock()
			defer lock.Unlock()
			if seen[what] == 0 {
				return fmt.Errorf("nothing %s: %v", what, seen)
			}
			return nil
		}
	}
	for _, what := range []string{"added", "changed", "resynced"} {
		if err := eventually(ctx, has(what)); err != nil {
			return err
		}
	}
	if err := maps.Delete(ctx, "informer", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, has("deleted"))
}

// recordingTransport remembers the queries of requests.
type recordingTransport struct {
	next    http.RoundTripper
	lock    sync.Mutex
	queries []string
}

func (t *recordingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	t.lock.Lock()
	t.queries = append(t.queries, request.URL.RawQuery)
	t.lock.Unlock()
	return t.next.RoundTrip(request)
}

func reflectorWatchList(ctx context.Context, s *suite) error {
	recorder := &recordingTransport{}
	config := rest.CopyConfig(s.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		recorder.next = next
		return recorder
	})
	client := kubernetes.NewForConfigOrDie(config)
	for i := range 20 {
		if _, err := s.client.CoreV1().ConfigMaps(namespace).Create(ctx, newConfigMap(fmt.Sprintf("reflected-%d", i), nil), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	store := cache.NewStore(cache.MetaNamespaceKeyFunc)
	source := cache.ToListWatcherWithWatchListSemantics(
		cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "configmaps", namespace, fields.Everything()), client)
	reflector := cache.NewReflectorWithOptions(source, &corev1.ConfigMap{}, store, cache.ReflectorOptions{})
	running, stop := context.WithCancel(ctx)
	defer stop()
	go reflector.RunWithContext(running)
	if err := eventually(ctx, func() error {
		if len(store.List()) < 20 || reflector.LastSyncResourceVersion() == "" {
			return fmt.Errorf("%d objects at %q", len(store.List()), reflector.LastSyncResourceVersion())
		}
		return nil
	}); err != nil {
		return err
	}
	recorder.lock.Lock()
	defer recorder.lock.Unlock()
	for _, query := range recorder.queries {
		if !strings.Contains(query, "sendInitialEvents=true") {
			return fmt.Errorf("fell back to a list: %v", recorder.queries)
		}
	}
	return nil
}

func pagesAndVersions(ctx context.Context, s *suite) error {
	maps := s.client.CoreV1().ConfigMaps(namespace)
	first, err := maps.List(ctx, metav1.ListOptions{Limit: 7})
	if err != nil {
		return err
	}
	if _, err := maps.Create(ctx, newConfigMap("later", nil), metav1.CreateOptions{}); err != nil {
		return err
	}
	names := map[string]bool{}
	page := first
	for {
		for _, item := range page.Items {
			names[item.Name] = true
		}
		if page.Continue == "" {
			break
		}
		if page, err = maps.List(ctx, metav1.ListOptions{Limit: 7, Continue: page.Continue}); err != nil {
			return err
		}
		if page.ResourceVersion != first.ResourceVersion {
			return fmt.Errorf("a page of version %s, the first of %s", page.ResourceVersion, first.ResourceVersion)
		}
	}
	if names["later"] || len(names) < 20 {
		return fmt.Errorf("pages are no snapshot: %v", names)
	}
	exact, err := maps.List(ctx, metav1.ListOptions{ResourceVersion: first.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
	if err != nil || exact.ResourceVersion != first.ResourceVersion || len(exact.Items) != len(names) {
		return fmt.Errorf("exact list: %d objects, %v", len(exact.Items), err)
	}
	newer, err := maps.List(ctx, metav1.ListOptions{ResourceVersion: first.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	if err != nil || len(newer.Items) < len(names) {
		return fmt.Errorf("list not older than: %v", err)
	}
	err = s.client.CoreV1().RESTClient().Get().Namespace(namespace).Resource("configmaps").
		Param("resourceVersion", "999999999").MaxRetries(0).Do(ctx).Error()
	if !apierrors.IsTimeout(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) {
		return fmt.Errorf("a version of the future: %v", err)
	}
	return nil
}

func retryWatcher(ctx context.Context, s *suite) error {
	maps := s.client.CoreV1().ConfigMaps(namespace)
	list, err := maps.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var opened atomic.Int32
	source := &cache.ListWatch{WatchFunc: func(options metav1.ListOptions) (watch.Interface, error) {
		opened.Add(1)
		second := int64(1)
		options.TimeoutSeconds = &second
		options.LabelSelector = "step=retry"
		return maps.Watch(ctx, options)
	}}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, source)
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for i := range 6 {
		name := fmt.Sprintf("retried-%d", i)
		if _, err := maps.Create(ctx, newConfigMap(name, map[string]string{"step": "retry"}), metav1.CreateOptions{}); err != nil {
			return err
		}
		select {
		case event := <-watcher.ResultChan():
			if object, ok := event.Object.(*corev1.ConfigMap); !ok || event.Type != watch.Added || object.Name != name {
				return fmt.Errorf("expected %s, got %s %v", name, event.Type, event.Object)
			}
		case <-ctx.Done():
			return fmt.Errorf("no event about %s", name)
		}
		if i == 2 {
			// The watch of before has ended by now, and another one has begun.
			if err := eventually(ctx, func() error {
				if opened.Load() < 2 {
					return fmt.Errorf("the watch has not been opened again")
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

func dynamicAndMetadata(ctx context.Context, s *suite) error {
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	objects, err := dynamic.NewForConfigOrDie(s.config).Resource(services).Namespace("default").List(ctx, metav1.ListOptions{})
	if err != nil || len(objects.Items) == 0 || objects.Items[0].GetKind() != "Service" {
		return fmt.Errorf("dynamic list: %v %v", objects, err)
	}
	client := metadata.NewForConfigOrDie(s.config).Resource(services).Namespace("default")
	partial, err := client.Get(ctx, "kubernetes", metav1.GetOptions{})
	if err != nil || partial.Name != "kubernetes" || partial.UID == "" {
		return fmt.Errorf("metadata: %v %v", partial, err)
	}
	watcher, err := client.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	event := <-watcher.ResultChan()
	if _, ok := event.Object.(*metav1.PartialObjectMetadata); !ok {
		return fmt.Errorf("metadata watch: %T", event.Object)
	}
	return nil
}

func discoveryAndMapper(_ context.Context, s *suite) error {
	client := discovery.NewDiscoveryClientForConfigOrDie(s.config)
	groups, resources, err := client.ServerGroupsAndResources()
	if err != nil || len(groups) < 20 {
		return fmt.Errorf("%d groups, %v", len(groups), err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	for _, list := range resources {
		for _, resource := range list.APIResources {
			if strings.Contains(resource.Name, "/") {
				continue
			}
			of, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil {
				return err
			}
			mapping, err := mapper.RESTMapping(schema.GroupKind{Group: of.Group, Kind: resource.Kind}, of.Version)
			if err != nil || mapping.Resource.Resource != resource.Name {
				return fmt.Errorf("%s of %s: %v %v", resource.Name, list.GroupVersion, mapping, err)
			}
			if namespaced := mapping.Scope.Name() == meta.RESTScopeNameNamespace; namespaced != resource.Namespaced {
				return fmt.Errorf("%s of %s: scope %s", resource.Name, list.GroupVersion, mapping.Scope.Name())
			}
		}
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	for _, list := range resources {
		path := "apis/" + list.GroupVersion
		if list.GroupVersion == "v1" {
			path = "api/v1"
		}
		document, ok := paths[path]
		if !ok {
			return fmt.Errorf("no OpenAPI document of %s", path)
		}
		if _, err := document.Schema("application/json"); err != nil {
			return fmt.Errorf("OpenAPI document of %s: %w", path, err)
		}
	}
	return nil
}

func apiServices(ctx context.Context, s *suite) error {
	list, err := aggregator.NewForConfigOrDie(s.config).ApiregistrationV1().APIServices().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, item := range list.Items {
		for _, condition := range item.Status.Conditions {
			known[item.Spec.Group+"/"+item.Spec.Version] = condition.Type == "Available" && condition.Status == "True"
		}
	}
	groups, err := s.client.Discovery().ServerGroups()
	if err != nil {
		return err
	}
	for _, group := range groups.Groups {
		for _, version := range group.Versions {
			if group.Name != "apiregistration.k8s.io" && !known[group.Name+"/"+version.Version] {
				return fmt.Errorf("no available APIService of %q %s", group.Name, version.Version)
			}
		}
	}
	return nil
}
