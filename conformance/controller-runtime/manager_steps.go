package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

// managerSteps run a manager with a controller and webhooks; a second one stands by.
var managerSteps = []step{
	{"a definition is served", createDefinition},
	{"a manager leads, reconciles, owns and reports", runManager},
}

const group = "greetings.example"

var greetingKind = schema.GroupVersionKind{Group: group, Version: "v1", Kind: "Greeting"}

func newGreeting(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(greetingKind)
	object.SetName(name)
	object.SetNamespace(namespace)
	return object
}

func createDefinition(ctx context.Context, s *suite) error {
	text := apiextensionsv1.JSONSchemaProps{Type: "string"}
	keep := true
	definition := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "greetings." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "greetings", Singular: "greeting", Kind: "Greeting", ListKind: "GreetingList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object",
					Properties: map[string]apiextensionsv1.JSONSchemaProps{
						"spec":   {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"text": text}},
						"status": {Type: "object", XPreserveUnknownFields: &keep},
					},
				}},
			}},
		},
	}
	if err := s.direct.Create(ctx, definition); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		return s.direct.List(ctx, &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": group + "/v1", "kind": "GreetingList"}})
	})
}

// reconciler gives every Greeting a ConfigMap of its own, a finalizer and a condition.
type reconciler struct {
	client.Client
	manager ctrl.Manager
	runs    atomic.Int64
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	r.runs.Add(1)
	greeting := newGreeting(request.Name)
	if err := r.Get(ctx, request.NamespacedName, greeting); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if greeting.GetDeletionTimestamp() != nil {
		if controllerutil.RemoveFinalizer(greeting, group+"/wait") {
			return ctrl.Result{}, r.Update(ctx, greeting)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(greeting, group+"/wait") {
		return ctrl.Result{}, r.Update(ctx, greeting)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: request.Name, Namespace: request.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, owned, func() error {
		text, _, _ := unstructured.NestedString(greeting.Object, "spec", "text")
		owned.Data = map[string]string{"text": text}
		return controllerutil.SetControllerReference(greeting, owned, scheme)
	}); err != nil {
		return ctrl.Result{}, err
	}
	before := greeting.DeepCopy()
	_ = unstructured.SetNestedField(greeting.Object, greeting.GetGeneration(), "status", "observedGeneration")
	_ = unstructured.SetNestedField(greeting.Object, "True", "status", "ready")
	if err := r.Status().Patch(ctx, greeting, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, err
	}
	r.manager.GetEventRecorder("greeter").Eventf(greeting, nil, corev1.EventTypeNormal, "Greeted", "Greet", "said %s", "hello")
	return ctrl.Result{}, nil
}

func (s *suite) startManager(ctx context.Context, name string, hooks *webhook.DefaultServer) (*reconciler, ctrl.Manager, context.CancelFunc, chan error, error) {
	manager, err := ctrl.NewManager(s.config, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		LeaderElection: true, LeaderElectionID: "greeter", LeaderElectionNamespace: namespace,
		LeaderElectionReleaseOnCancel: true, WebhookServer: hooks,
		LeaseDuration: new(4 * time.Second), RenewDeadline: new(3 * time.Second), RetryPeriod: new(500 * time.Millisecond),
	})
	if err != nil {
		return nil, nil, nil, nil, err
	}
	// Asking for the server is what adds it to the manager.
	manager.GetWebhookServer()
	r := &reconciler{Client: manager.GetClient(), manager: manager}
	skip := true
	builder := ctrl.NewControllerManagedBy(manager).Named("greeter-" + name).For(newGreeting("")).Owns(&corev1.ConfigMap{})
	options := builder.WithOptions(controllerOptions(&skip))
	if err := options.Complete(r); err != nil {
		return nil, nil, nil, nil, err
	}
	if err := manager.GetFieldIndexer().IndexField(ctx, &corev1.ConfigMap{}, "data.text", func(object client.Object) []string {
		return []string{object.(*corev1.ConfigMap).Data["text"]}
	}); err != nil {
		return nil, nil, nil, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- manager.Start(running) }()
	return r, manager, cancel, done, nil
}

func runManager(ctx context.Context, s *suite) error {
	hooks, err := s.installWebhooks(ctx)
	if err != nil {
		return fmt.Errorf("webhooks: %w", err)
	}
	first, manager, stopFirst, firstDone, err := s.startManager(ctx, "first", hooks)
	if err != nil {
		return err
	}
	defer stopFirst()
	if err := eventually(ctx, func() error { return hooks.StartedChecker()(nil) }); err != nil {
		return err
	}
	greeting := newGreeting("hello")
	_ = unstructured.SetNestedField(greeting.Object, "hi", "spec", "text")
	if err := eventually(ctx, func() error { return s.direct.Create(ctx, greeting) }); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if greeting.GetLabels()["mutated"] != "yes" {
		return fmt.Errorf("the mutating webhook changed nothing: %v", greeting.GetLabels())
	}
	bad := newGreeting("bad")
	if err := s.direct.Create(ctx, bad); err == nil || !apierrors.IsForbidden(err) {
		return fmt.Errorf("the validating webhook did not refuse: %v", err)
	}
	if err := eventually(ctx, func() error { return s.isGreeted(ctx, "hello", "hi") }); err != nil {
		return err
	}
	list := &corev1.ConfigMapList{}
	if err := manager.GetClient().List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"data.text": "hi"}); err != nil || len(list.Items) != 1 {
		return fmt.Errorf("the index of the cache gave %d: %v", len(list.Items), err)
	}
	// What an owner has lost comes back.
	if err := s.direct.Delete(ctx, &list.Items[0]); err != nil {
		return err
	}
	if err := eventually(ctx, func() error { return s.isGreeted(ctx, "hello", "hi") }); err != nil {
		return fmt.Errorf("after the ConfigMap was deleted: %w", err)
	}
	if err := eventually(ctx, func() error {
		events := &corev1.EventList{}
		if err := s.direct.List(ctx, events, client.InNamespace(namespace), client.MatchingFields{"reason": "Greeted"}); err != nil || len(events.Items) == 0 {
			return fmt.Errorf("%d Events: %v", len(events.Items), err)
		}
		return nil
	}); err != nil {
		return err
	}
	second, _, stopSecond, secondDone, err := s.startManager(ctx, "second", webhook.NewServer(webhook.Options{Port: freePort(), CertDir: s.folder}).(*webhook.DefaultServer))
	if err != nil {
		return err
	}
	defer stopSecond()
	stopFirst()
	if err := <-firstDone; err != nil {
		return fmt.Errorf("first manager: %w", err)
	}
	// The leader took its webhooks with it.
	if err := s.removeWebhooks(ctx); err != nil {
		return err
	}
	if err := eventually(ctx, func() error {
		if second.runs.Load() == 0 {
			return fmt.Errorf("the second manager does not lead after the first has left (%d runs)", first.runs.Load())
		}
		return nil
	}); err != nil {
		return err
	}
	if err := s.direct.Delete(ctx, greeting); err != nil {
		return err
	}
	// The collector looks for new kinds every 30 seconds, as the original.
	if err := within(ctx, time.Minute, func() error {
		err := s.direct.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "hello"}, &corev1.ConfigMap{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("the owned ConfigMap is still there: %v", err)
		}
		return nil
	}); err != nil {
		return err
	}
	stopSecond()
	if err := <-secondDone; err != nil {
		return fmt.Errorf("second manager: %w", err)
	}
	if err := s.direct.Delete(ctx, newNamespace(namespace)); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		err := s.direct.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("the namespace does not go: %v", err)
		}
		return nil
	})
}

func (s *suite) isGreeted(ctx context.Context, name, text string) error {
	owned := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: namespace, Name: name}
	if err := s.direct.Get(ctx, key, owned); err != nil {
		return err
	}
	if owned.Data["text"] != text || metav1.GetControllerOf(owned) == nil {
		return fmt.Errorf("the ConfigMap holds %v", owned.Data)
	}
	greeting := newGreeting(name)
	if err := s.direct.Get(ctx, key, greeting); err != nil {
		return err
	}
	ready, _, _ := unstructured.NestedString(greeting.Object, "status", "ready")
	observed, _, _ := unstructured.NestedInt64(greeting.Object, "status", "observedGeneration")
	if ready != "True" || observed != greeting.GetGeneration() {
		return fmt.Errorf("status ready=%q observed=%d of %d", ready, observed, greeting.GetGeneration())
	}
	return nil
}
