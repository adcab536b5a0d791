package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

var streamSteps = []step{
	{"a Pod runs", runPod},
	{"its log, followed", followLog},
	{"exec by WebSocket and by SPDY: input, output, exit code", execute},
	{"port-forward by WebSocket and by SPDY", forwardPort},
}

func runPod(ctx context.Context, s *suite) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "echo"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "echo", Image: "fairlead/echo", Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}},
			PeriodSeconds: 1,
		},
	}, {
		Name: "talker", Image: "fairlead/echo", Command: []string{"sh", "-c", "echo one; echo two; exec sleep 600"},
	}}}}
	if _, err := s.client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		pod, err := s.client.CoreV1().Pods(namespace).Get(ctx, "echo", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("the Pod is %s and not ready", pod.Status.Phase)
	})
}

func followLog(ctx context.Context, s *suite) error {
	reading, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	stream, err := s.client.CoreV1().Pods(namespace).GetLogs("echo", &corev1.PodLogOptions{Container: "talker", Follow: true}).Stream(reading)
	if err != nil {
		return err
	}
	defer stream.Close()
	read := make([]byte, len("one\ntwo\n"))
	if _, err := io.ReadFull(stream, read); err != nil || string(read) != "one\ntwo\n" {
		return fmt.Errorf("log: %q %v", read, err)
	}
	return nil
}

func podRequest(s *suite, part string) *rest.Request {
	return s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("echo").SubResource(part)
}

func execute(ctx context.Context, s *suite) error {
	url := podRequest(s, "exec").VersionedParams(&corev1.PodExecOptions{
		Container: "talker", Command: []string{"sh", "-c", "cat; echo wrong >&2; exit 7"}, Stdin: true, Stdout: true, Stderr: true,
	}, scheme.ParameterCodec).URL()
	web, err := remotecommand.NewWebSocketExecutor(s.config, "GET", url.String())
	if err != nil {
		return err
	}
	older, err := remotecommand.NewSPDYExecutor(s.config, "POST", url)
	if err != nil {
		return err
	}
	for name, executor := range map[string]remotecommand.Executor{"WebSocket": web, "SPDY": older} {
		var out, errors bytes.Buffer
		err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader("hello"), Stdout: &out, Stderr: &errors})
		if code, ok := err.(interface{ ExitStatus() int }); !ok || code.ExitStatus() != 7 {
			return fmt.Errorf("%s: expected exit code 7, got %v", name, err)
		}
		if out.String() != "hello" || errors.String() != "wrong\n" {
			return fmt.Errorf("%s: %q %q", name, out.String(), errors.String())
		}
	}
	return nil
}

func forwardPort(ctx context.Context, s *suite) error {
	url := podRequest(s, "portforward").URL()
	web, err := portforward.NewSPDYOverWebsocketDialer(url, s.config)
	if err != nil {
		return err
	}
	transport, upgrader, err := spdy.RoundTripperFor(s.config)
	if err != nil {
		return err
	}
	older := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", url)
	for name, dialer := range map[string]httpstream.Dialer{"WebSocket": web, "SPDY": older} {
		stop, ready := make(chan struct{}), make(chan struct{})
		forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
		if err != nil {
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- forwarder.ForwardPorts() }()
		select {
		case <-ready:
		case err := <-ended:
			return fmt.Errorf("%s: %v", name, err)
		case <-ctx.Done():
			return ctx.Err()
		}
		ports, err := forwarder.GetPorts()
		if err != nil {
			return err
		}
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/hello", ports[0].Local))
		if err != nil {
			return fmt.Errorf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		close(stop)
		<-ended
		if response.StatusCode != http.StatusOK || !strings.Contains(string(body), "/hello") {
			return fmt.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}
	return nil
}
