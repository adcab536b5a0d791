package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// clientSteps need no manager: typed requests go out as protobuf.
var clientSteps = []step{
	{"namespace and a Service with every kind of port", createService},
	{"a stale update is a conflict", staleUpdate},
	{"patches: merge, strategic, with optimistic lock", patches},
	{"server-side apply and its conflicts", serverSideApply},
	{"lists by selector and in pages", pages},
	{"a watch sees additions, changes and deletions", watching},
	{"subresources: status, scale, token, eviction", subresources},
	{"dry run changes nothing", dryRun},
	{"delete a collection", deleteAll},
}

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: namespace}
}

func createService(ctx context.Context, s *suite) error {
	if err := s.direct.Create(ctx, newNamespace(namespace)); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	app := "http"
	service := &corev1.Service{ObjectMeta: named("ports"), Spec: corev1.ServiceSpec{
		Type:     corev1.ServiceTypeNodePort,
		Selector: map[string]string{"app": "x"},
		Ports: []corev1.ServicePort{
			{Name: "number", Port: 80, TargetPort: intstr.FromInt32(8080), AppProtocol: &app},
			{Name: "name", Port: 81, TargetPort: intstr.FromString("web"), Protocol: corev1.ProtocolUDP},
		},
	}}
	if err := s.direct.Create(ctx, service); err != nil {
		return err
	}
	if service.Spec.ClusterIP == "" || service.Spec.Ports[0].NodePort == 0 || service.UID == "" {
		return fmt.Errorf("not filled in: %+v", service.Spec)
	}
	if got := service.Spec.Ports[1]; got.TargetPort.StrVal != "web" || got.Protocol != corev1.ProtocolUDP {
		return fmt.Errorf("ports changed: %+v", got)
	}
	invalid := &corev1.Service{ObjectMeta: named("invalid"), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 70000}}}}
	err := s.direct.Create(ctx, invalid)
	if !apierrors.IsInvalid(err) || len(err.(apierrors.APIStatus).Status().Details.Causes) == 0 {
		return fmt.Errorf("a bad port gave %v", err)
	}
	if err := s.direct.Create(ctx, &corev1.Service{ObjectMeta: named("ports"), Spec: service.Spec}); !apierrors.IsAlreadyExists(err) && !apierrors.IsInvalid(err) {
		return fmt.Errorf("a second one gave %v", err)
	}
	return nil
}

func staleUpdate(ctx context.Context, s *suite) error {
	first := &corev1.Service{}
	if err := s.direct.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "ports"}, first); err != nil {
		return err
	}
	second := first.DeepCopy()
	first.Labels = map[string]string{"a": "1"}
	if err := s.direct.Update(ctx, first); err != nil {
		return err
	}
	second.Labels = map[string]string{"a": "2"}
	if err := s.direct.Update(ctx, second); !apierrors.IsConflict(err) {
		return fmt.Errorf("expected a conflict, got %v", err)
	}
	unchanged := first.DeepCopy()
	if err := s.direct.Update(ctx, unchanged); err != nil {
		return err
	}
	if unchanged.ResourceVersion != first.ResourceVersion {
		return fmt.Errorf("a write without a change got a new version")
	}
	return nil
}

func patches(ctx context.Context, s *suite) error {
	service := &corev1.Service{}
	if err := s.direct.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "ports"}, service); err != nil {
		return err
	}
	before := service.DeepCopy()
	service.Annotations = map[string]string{"merge": "yes"}
	if err := s.direct.Patch(ctx, service, client.MergeFrom(before)); err != nil {
		return err
	}
	old := service.DeepCopy()
	service.Spec.Ports[0].Name = "renamed"
	if err := s.direct.Patch(ctx, service, client.StrategicMergeFrom(old)); err != nil {
		return err
	}
	if len(service.Spec.Ports) != 2 || service.Spec.Ports[0].Name != "renamed" {
		return fmt.Errorf("strategic merge gave %+v", service.Spec.Ports)
	}
	late := before.DeepCopy()
	late.Labels = map[string]string{"late": "yes"}
	if err := s.direct.Patch(ctx, late, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); !apierrors.IsConflict(err) {
		return fmt.Errorf("a patch of an old version gave %v", err)
	}
	return nil
}

func serverSideApply(ctx context.Context, s *suite) error {
	one := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"a": "1", "b": "1"})
	if err := s.direct.Apply(ctx, one, client.FieldOwner("one")); err != nil {
		return err
	}
	two := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"b": "2"})
	if err := s.direct.Apply(ctx, two, client.FieldOwner("two")); !apierrors.IsConflict(err) {
		return fmt.Errorf("expected a conflict, got %v", err)
	}
	if err := s.direct.Apply(ctx, two, client.FieldOwner("two"), client.ForceOwnership); err != nil {
		return err
	}
	less := coreapply.ConfigMap("applied", namespace)
	if err := s.direct.Apply(ctx, less, client.FieldOwner("one")); err != nil {
		return err
	}
	got := &corev1.ConfigMap{}
	if err := s.direct.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "applied"}, got); err != nil {
		return err
	}
	if len(got.Data) != 1 || got.Data["b"] != "2" {
		return fmt.Errorf("left with %v", got.Data)
	}
	return nil
}

func pages(ctx context.Context, s *suite) error {
	for index := range 25 {
		labels := map[string]string{"page": "yes", "odd": fmt.Sprint(index%2 == 1)}
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("page-%02d", index), Namespace: namespace, Labels: labels}}
		if err := s.direct.Create(ctx, object); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	token := ""
	for {
		list := &corev1.ConfigMapList{}
		if err := s.direct.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{"page": "yes"}, client.Limit(10), client.Continue(token)); err != nil {
			return err
		}
		for _, item := range list.Items {
			seen[item.Name] = true
		}
		if token = list.Continue; token == "" {
			break
		}
	}
	if len(seen) != 25 {
		return fmt.Errorf("pages held %d of 25", len(seen))
	}
	only := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMapList"}}
	if err := s.direct.List(ctx, only, client.InNamespace(namespace), client.MatchingLabels{"odd": "true"}); err != nil {
		return err
	}
	if len(only.Items) != 12 {
		return fmt.Errorf("metadata of %d of 12", len(only.Items))
	}
	return nil
}

func watching(ctx context.Context, s *suite) error {
	watcher, err := s.direct.Watch(ctx, &corev1.ConfigMapList{}, client.InNamespace(namespace), client.MatchingLabels{"watched": "yes"})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "watched", Namespace: namespace, Labels: map[string]string{"watched": "yes"}}}
	if err := s.direct.Create(ctx, object); err != nil {
		return err
	}
	object.Data = map[string]string{"a": "b"}
	if err := s.direct.Update(ctx, object); err != nil {
		return err
	}
	// Leaving the selection is a deletion to this watcher.
	object.Labels = nil
	if err := s.direct.Update(ctx, object); err != nil {
		return err
	}
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		select {
		case event := <-watcher.ResultChan():
			if event.Type != want {
				return fmt.Errorf("%s instead of %s: %v", event.Type, want, event.Object)
			}
		case <-ctx.Done():
			return fmt.Errorf("no %s", want)
		}
	}
	return nil
}

func subresources(ctx context.Context, s *suite) error {
	replicas := int32(1)
	labels := map[string]string{"app": "sub"}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "c", Image: "fairlead/echo",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}},
		}}},
	}
	deployment := &appsv1.Deployment{ObjectMeta: named("sub"), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template,
	}}
	if err := s.direct.Create(ctx, deployment); err != nil {
		return err
	}
	// The Deployment's controller writes status at the same time.
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		scale := &autoscalingv1.Scale{}
		if err := s.direct.SubResource("scale").Get(ctx, deployment, scale); err != nil {
			return err
		}
		scale.Spec.Replicas = 2
		return s.direct.SubResource("scale").Update(ctx, deployment, client.WithSubResourceBody(scale))
	}); err != nil {
		return err
	}
	if err := s.direct.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil || *deployment.Spec.Replicas != 2 {
		return fmt.Errorf("scale to 2: %v %v", *deployment.Spec.Replicas, err)
	}
	var pods corev1.PodList
	if err := eventually(ctx, func() error {
		if err := s.direct.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels(labels)); err != nil {
			return err
		}
		if len(pods.Items) != 2 {
			return fmt.Errorf("%d Pods", len(pods.Items))
		}
		return nil
	}); err != nil {
		return err
	}
	eviction := &policyv1.Eviction{ObjectMeta: named(pods.Items[0].Name)}
	if err := s.direct.SubResource("eviction").Create(ctx, &pods.Items[0], eviction); err != nil {
		return fmt.Errorf("eviction: %w", err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: ctrl.ObjectMeta{Name: "default", Namespace: namespace}}
	token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"api"}}}
	if err := s.direct.SubResource("token").Create(ctx, account, token); err != nil || token.Status.Token == "" {
		return fmt.Errorf("token: %v", err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: corev1.NodeSpec{Unschedulable: true}}
	if err := s.direct.Create(ctx, node); err != nil {
		return err
	}
	// A controller gives the Node its Pod range at the same time.
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := s.direct.Get(ctx, client.ObjectKeyFromObject(node), node); err != nil {
			return err
		}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "ByHand"}}
		return s.direct.Status().Update(ctx, node)
	}); err != nil {
		return err
	}
	return s.direct.Delete(ctx, node)
}

func dryRun(ctx context.Context, s *suite) error {
	dry := client.NewDryRunClient(s.direct)
	if err := dry.Create(ctx, &corev1.ConfigMap{ObjectMeta: named("dry")}); err != nil {
		return err
	}
	err := s.direct.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "dry"}, &corev1.ConfigMap{})
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("a dry run left something: %v", err)
	}
	return nil
}

func deleteAll(ctx context.Context, s *suite) error {
	if err := s.direct.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(namespace), client.MatchingLabels{"page": "yes"}); err != nil {
		return err
	}
	list := &corev1.ConfigMapList{}
	if err := s.direct.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{"page": "yes"}); err != nil {
		return err
	}
	if len(list.Items) > 0 {
		return fmt.Errorf("%d are left", len(list.Items))
	}
	return nil
}
