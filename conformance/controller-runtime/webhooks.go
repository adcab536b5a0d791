package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func controllerOptions(skipNameCheck *bool) controller.Options {
	return controller.Options{SkipNameValidation: skipNameCheck}
}

func freePort() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// installWebhooks makes a certificate, a server with a mutating and a validating webhook, and their configurations.
func (s *suite) installWebhooks(ctx context.Context) (*webhook.DefaultServer, error) {
	authority, err := s.writeCertificate()
	if err != nil {
		return nil, err
	}
	port := freePort()
	hooks := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, CertDir: s.folder}).(*webhook.DefaultServer)
	hooks.Register("/mutate", &webhook.Admission{Handler: admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
		var object map[string]any
		if err := json.Unmarshal(request.Object.Raw, &object); err != nil {
			return admission.Errored(http.StatusBadRequest, err)
		}
		metadata := object["metadata"].(map[string]any)
		metadata["labels"] = map[string]any{"mutated": "yes"}
		changed, _ := json.Marshal(object)
		return admission.PatchResponseFromRaw(request.Object.Raw, changed)
	})})
	hooks.Register("/validate", &webhook.Admission{Handler: admission.HandlerFunc(func(_ context.Context, request admission.Request) admission.Response {
		if request.Name == "bad" {
			return admission.Denied("that name")
		}
		return admission.Allowed("").WithWarnings("looked at")
	})})
	none := admissionv1.SideEffectClassNone
	url := func(path string) admissionv1.WebhookClientConfig {
		text := fmt.Sprintf("https://127.0.0.1:%d%s", port, path)
		return admissionv1.WebhookClientConfig{URL: &text, CABundle: authority}
	}
	rules := []admissionv1.RuleWithOperations{{
		Operations: []admissionv1.OperationType{admissionv1.Create},
		Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{"greetings"}},
	}}
	mutating := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "greeter"}, Webhooks: []admissionv1.MutatingWebhook{{
		Name: "mutate." + group, ClientConfig: url("/mutate"), Rules: rules, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
	}}}
	validating := &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "greeter"}, Webhooks: []admissionv1.ValidatingWebhook{{
		Name: "validate." + group, ClientConfig: url("/validate"), Rules: rules, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
	}}}
	for _, configuration := range []client.Object{mutating, validating} {
		if err := s.direct.Create(ctx, configuration); err != nil {
			return nil, err
		}
	}
	return hooks, nil
}

func (s *suite) removeWebhooks(ctx context.Context) error {
	name := metav1.ObjectMeta{Name: "greeter"}
	if err := s.direct.Delete(ctx, &admissionv1.MutatingWebhookConfiguration{ObjectMeta: name}); err != nil {
		return err
	}
	return s.direct.Delete(ctx, &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: name})
}

// writeCertificate makes a self-signed certificate for 127.0.0.1 where the webhook server looks for it.
func (s *suite) writeCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "webhook"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey})
	if err := os.WriteFile(filepath.Join(s.folder, "tls.crt"), certificate, 0o600); err != nil {
		return nil, err
	}
	return certificate, os.WriteFile(filepath.Join(s.folder, "tls.key"), private, 0o600)
}
