// Go's own resolver (no C library) as a client. Argument: address of the server.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sort"
	"strings"
	"time"
)

func main() {
	address := os.Args[1]
	resolver := &net.Resolver{PreferGo: true, StrictErrors: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	failed := 0
	check := func(what, got, want string) {
		if got == want {
			fmt.Println("ok", what)
			return
		}
		failed++
		fmt.Printf("FAILED %s: got %q, want %q\n", what, got, want)
	}
	hosts := func(network, name string) string {
		ips, err := resolver.LookupIP(ctx, network, name)
		if err != nil {
			var dns *net.DNSError
			if errors.As(err, &dns) && dns.IsNotFound {
				return "not found"
			}
			return err.Error()
		}
		texts := []string{}
		for _, ip := range ips {
			texts = append(texts, ip.String())
		}
		sort.Strings(texts)
		return strings.Join(texts, " ")
	}
	check("both families", hosts("ip", "web.shop.svc.cluster.local."), "10.96.0.1 fd00::1")
	check("IPv4 alone", hosts("ip", "v4.shop.svc.cluster.local."), "10.96.0.2")
	check("a family that is missing", hosts("ip6", "v4.shop.svc.cluster.local."), "not found")
	check("upper case", hosts("ip4", "WEB.Shop.svc.cluster.local."), "10.96.0.1")
	check("an alias", hosts("ip4", "alias.shop.svc.cluster.local."), "10.96.0.1")
	check("no such name", hosts("ip", "no.shop.svc.cluster.local."), "not found")
	check("more than UDP carries", fmt.Sprint(len(strings.Fields(hosts("ip4", "big.shop.svc.cluster.local.")))), "1000")
	cname, err := resolver.LookupCNAME(ctx, "alias.shop.svc.cluster.local.")
	check("canonical name", fmt.Sprint(cname, err), "web.shop.svc.cluster.local.<nil>")
	_, targets, err := resolver.LookupSRV(ctx, "http", "tcp", "db.shop.svc.cluster.local.")
	texts := []string{}
	for _, target := range targets {
		texts = append(texts, fmt.Sprint(target.Target, target.Port))
	}
	sort.Strings(texts)
	check("SRV", fmt.Sprint(texts, err), "[db-0.db.shop.svc.cluster.local.80 db-1.db.shop.svc.cluster.local.80] <nil>")
	names, err := resolver.LookupAddr(ctx, "10.244.0.1")
	check("PTR", fmt.Sprint(names, err), "[db-0.db.shop.svc.cluster.local.] <nil>")
	names, err = resolver.LookupAddr(ctx, "fd00::1")
	check("PTR of IPv6", fmt.Sprint(names, err), "[web.shop.svc.cluster.local.] <nil>")
	text, err := resolver.LookupTXT(ctx, "dns-version.cluster.local.")
	check("TXT", fmt.Sprint(text, err), "[1.1.0] <nil>")
	ns, err := resolver.LookupNS(ctx, "cluster.local.")
	if err == nil && len(ns) == 1 {
		check("NS", ns[0].Host, "ns.dns.cluster.local.")
	} else {
		check("NS", fmt.Sprint(ns, err), "one")
	}
	if failed > 0 {
		os.Exit(1)
	}
}
