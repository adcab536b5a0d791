package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/certificate/csr"
	"k8s.io/client-go/util/keyutil"
)

var accessSteps = []step{
	{"the token of a ServiceAccount, and what it may do", serviceAccountToken},
	{"a certificate by request and approval, and who it is for", certificateRequest},
}

func serviceAccountToken(ctx context.Context, s *suite) error {
	accounts := s.client.CoreV1().ServiceAccounts(namespace)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "reader"}}
	if _, err := accounts.Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "reader"}},
	}
	if _, err := s.client.RbacV1().RoleBindings(namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	seconds := int64(600)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := accounts.CreateToken(ctx, "reader", request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(s.config)
	config.BearerToken = token.Status.Token
	client := kubernetes.NewForConfigOrDie(config)
	if err := whoIs(ctx, client, "system:serviceaccount:"+namespace+":reader", "system:serviceaccounts:"+namespace); err != nil {
		return err
	}
	if _, err := client.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{}); err != nil {
		return err
	}
	if _, err := client.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		return fmt.Errorf("secrets: %v", err)
	}
	return nil
}

func whoIs(ctx context.Context, client kubernetes.Interface, name string, group string) error {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if user := review.Status.UserInfo; user.Username != name || !slices.Contains(user.Groups, group) {
		return fmt.Errorf("who: %v", user)
	}
	return nil
}

func certificateRequest(ctx context.Context, s *suite) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	request, err := cert.MakeCSRFromTemplate(key, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "jane", Organization: []string{"devs"}},
	})
	if err != nil {
		return err
	}
	hour := time.Hour
	name, uid, err := csr.RequestCertificate(s.client, request, "jane", certificatesv1.KubeAPIServerClientSignerName,
		&hour, []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth, certificatesv1.UsageDigitalSignature}, key)
	if err != nil {
		return err
	}
	requests := s.client.CertificatesV1().CertificateSigningRequests()
	made, err := requests.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	made.Status.Conditions = append(made.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Test",
	})
	if _, err := requests.UpdateApproval(ctx, name, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	signed, err := csr.WaitForCertificate(ctx, s.client, name, uid)
	if err != nil {
		return err
	}
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(s.config)
	config.CertData, config.KeyData = signed, pem
	return whoIs(ctx, kubernetes.NewForConfigOrDie(config), "jane", "devs")
}
