package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

var writeSteps = []step{
	{"of three candidates one leads, and another one when it goes", leaderElection},
	{"apply configurations: own, extract, conflict, give up", applyConfigurations},
	{"protobuf both ways", protobuf},
	{"a client that is told to wait comes back and gets through", tooManyRequests},
	{"event broadcasters of both groups, with series", eventBroadcasters},
}

func leaderElection(ctx context.Context, s *suite) error {
	var lock sync.Mutex
	leading := map[string]bool{}
	most := 0
	stops := map[string]context.CancelFunc{}
	for _, name := range []string{"a", "b", "c"} {
		running, stop := context.WithCancel(ctx)
		defer stop()
		stops[name] = stop
		lease := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "election"},
			Client:     s.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		}
		go leaderelection.RunOrDie(running, leaderelection.LeaderElectionConfig{
			Lock: lease, ReleaseOnCancel: true,
			LeaseDuration: 4 * time.Second, RenewDeadline: 3 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) {
					lock.Lock()
					defer lock.Unlock()
					leading[name] = true
					most = max(most, len(leading))
				},
				OnStoppedLeading: func() {
					lock.Lock()
					defer lock.Unlock()
					delete(leading, name)
				},
			},
		})
	}
	leader := func(not string) (string, error) {
		found := ""
		err := eventually(ctx, func() error {
			lock.Lock()
			defer lock.Unlock()
			for name := range leading {
				if name != not {
					found = name
					return nil
				}
			}
			return fmt.Errorf("nobody but %q leads", not)
		})
		return found, err
	}
	first, err := leader("")
	if err != nil {
		return err
	}
	stops[first]()
	second, err := leader(first)
	if err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	if most != 1 {
		return fmt.Errorf("%d led at the same time", most)
	}
	lease, err := s.client.CoordinationV1().Leases(namespace).Get(ctx, "election", metav1.GetOptions{})
	if err != nil || *lease.Spec.HolderIdentity != second || *lease.Spec.LeaseTransitions < 1 {
		return fmt.Errorf("lease: %v %v", lease, err)
	}
	return nil
}

func applyConfigurations(ctx context.Context, s *suite) error {
	maps := s.client.CoreV1().ConfigMaps(namespace)
	mine := metav1.ApplyOptions{FieldManager: "mine"}
	wanted := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"a": "1", "b": "2"})
	live, err := maps.Apply(ctx, wanted, mine)
	if err != nil {
		return err
	}
	owned, err := coreapply.ExtractConfigMap(live, "mine")
	if err != nil || len(owned.Data) != 2 {
		return fmt.Errorf("extracted: %v %v", owned, err)
	}
	other := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"a": "3"})
	_, err = maps.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "other"})
	if !apierrors.IsConflict(err) || !apierrors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict) {
		return fmt.Errorf("a field of another manager: %v", err)
	}
	if _, err = maps.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "other", Force: true}); err != nil {
		return err
	}
	live, err = maps.Apply(ctx, coreapply.ConfigMap("applied", namespace), mine)
	if err != nil || live.Data["a"] != "3" || live.Data["b"] != "" {
		return fmt.Errorf("after giving up: %v %v", live.Data, err)
	}
	return nil
}

func protobuf(ctx context.Context, s *suite) error {
	config := rest.CopyConfig(s.config)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client := kubernetes.NewForConfigOrDie(config)
	for _, name := range []string{"first", "second"} {
		_, err := client.CoreV1().ConfigMaps(namespace).Create(ctx, newConfigMap("protobuf-"+name, nil), metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	level := &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "protobuf"},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
			Type: flowcontrolv1.PriorityLevelEnablementLimited,
			Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
				LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
			},
		},
	}
	levels := client.FlowcontrolV1().PriorityLevelConfigurations()
	made, err := levels.Create(ctx, level, metav1.CreateOptions{})
	if err != nil || *made.Spec.Limited.NominalConcurrencyShares != 30 {
		return fmt.Errorf("a level: %v %v", made, err)
	}
	return levels.Delete(ctx, "protobuf", metav1.DeleteOptions{})
}

// tooManyRequests gives a user no places at all for a while: client-go waits and tries again by itself.
func tooManyRequests(ctx context.Context, s *suite) error {
	flow := s.client.FlowcontrolV1()
	none := int32(0)
	_, err := flow.PriorityLevelConfigurations().Create(ctx, &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
			Type: flowcontrolv1.PriorityLevelEnablementLimited,
			Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
				NominalConcurrencyShares: &none, BorrowingLimitPercent: &none,
				LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = flow.FlowSchemas().Create(ctx, &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: "slow"},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: "none"},
			MatchingPrecedence:         50,
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects:         []flowcontrolv1.Subject{{Kind: flowcontrolv1.SubjectKindUser, User: &flowcontrolv1.UserSubject{Name: "slow"}}},
				NonResourceRules: []flowcontrolv1.NonResourcePolicyRule{{Verbs: []string{"*"}, NonResourceURLs: []string{"*"}}},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	config := rest.CopyConfig(s.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "slow"}
	client := kubernetes.NewForConfigOrDie(config)
	version := func(retries int) error {
		return client.RESTClient().Get().AbsPath("/version").MaxRetries(retries).Do(ctx).Error()
	}
	if err := eventually(ctx, func() error {
		if err := version(0); !apierrors.IsTooManyRequests(err) {
			return fmt.Errorf("expected 429, got %v", err)
		}
		return nil
	}); err != nil {
		return err
	}
	got := make(chan error, 1)
	go func() { got <- version(10) }()
	select {
	case err := <-got:
		return fmt.Errorf("it did not wait: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if err := flow.FlowSchemas().Delete(ctx, "slow", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := <-got; err != nil {
		return err
	}
	return flow.PriorityLevelConfigurations().Delete(ctx, "none", metav1.DeleteOptions{})
}

func eventBroadcasters(ctx context.Context, s *suite) error {
	about, err := s.client.CoreV1().ConfigMaps(namespace).Create(ctx, newConfigMap("eventful", nil), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	older := record.NewBroadcaster(record.WithContext(ctx))
	defer older.Shutdown()
	older.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: s.client.CoreV1().Events("")})
	recorder := older.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "client-go"})
	newer := events.NewBroadcaster(&events.EventSinkImpl{Interface: s.client.EventsV1()})
	defer newer.Shutdown()
	if err := newer.StartRecordingToSinkWithContext(ctx); err != nil {
		return err
	}
	newRecorder := newer.NewRecorder(scheme.Scheme, "client-go.example.com/test")
	for range 3 {
		recorder.Event(about, corev1.EventTypeNormal, "Older", "seen")
		newRecorder.Eventf(about, nil, corev1.EventTypeNormal, "Newer", "Test", "seen")
	}
	return eventually(ctx, func() error {
		list, err := s.client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.name=eventful"})
		if err != nil {
			return err
		}
		times := map[string]int32{}
		for _, event := range list.Items {
			times[event.Reason] += event.Count
			if event.Series != nil {
				times[event.Reason] += event.Series.Count
			}
		}
		if times["Older"] != 3 || times["Newer"] < 2 {
			return fmt.Errorf("events: %v", times)
		}
		return nil
	})
}
