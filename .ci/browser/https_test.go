package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Behind a proxy with TLS, as the README says: it passes on the Host header, and the app
// knows its address by -base-url. Cookies then have the prefix that ties them to the host.
func TestHTTPS(t *testing.T) {
	ada := visit(t, startBehindTLS(t))
	// The fake provider has no TLS, so neither has its picture of Ada. Chromium shows it, and warns.
	ada.tolerates = "but requested an insecure element '" + ada.fake + "/picture/ada.svg'"
	ada.open("/")
	ada.lands("/")
	ada.press("Sign in with Google")
	ada.consents("Google")
	tab, _ := ada.newTab() // the provider's page does not see the app's cookies
	ada.open("/")
	ada.lands("/")
	ada.hasCookies("__Host-oauthbyhand-attempt-", "__Host-oauthbyhand-visitor")
	ada.must(ada.b.SwitchTo(tab))
	ada.press("Allow")
	ada.lands("/profile")
	ada.sees("Ada Lovelace", "ada@example.com verified by Google")
	ada.hasCookies("__Host-oauthbyhand-session", "__Host-oauthbyhand-visitor")
	ada.picture("profile")
	ada.press("X (OAuth 1.0a)")
	ada.consents("X (OAuth 1.0a)")
	ada.press("Allow")
	ada.lands("/profile")
	ada.hasAccounts(2)
	ada.press("Sign out")
	ada.lands("/")
	ada.hasCookies("__Host-oauthbyhand-visitor")

	ada.press("Sign in with OpenID Example")
	ada.consents("OpenID Example")
	ada.press("Refuse")
	ada.lands("/callback/oidc")
	ada.hasCookies("__Host-oauthbyhand-visitor")
}

// hasCookies holds that the app's cookies are these, one of each, and as tight as can be.
// Of an attempt's name only the beginning is known.
func (p *person) hasCookies(names ...string) {
	p.t.Helper()
	all, err := p.b.Cookies()
	p.must(err)
	var found []string
	for _, c := range all {
		for _, name := range names {
			if c.Name == name || strings.HasSuffix(name, "-") && strings.HasPrefix(c.Name, name) {
				found = append(found, name)
			}
		}
		if !c.Secure || !c.HTTPOnly || c.SameSite != "Lax" || c.Path != "/" || c.Domain != "localhost" {
			p.t.Errorf("cookie %+v: want Secure, HttpOnly, SameSite=Lax, Path=/, and this host alone", c)
		}
	}
	if len(found) != len(names) || len(all) != len(names) {
		p.t.Errorf("cookies %v, want %q", all, names)
	}
}

// startBehindTLS starts the demo behind a proxy with a certificate made on the spot.
func startBehindTLS(t *testing.T) demo {
	t.Helper()
	proxy := httptest.NewUnstartedServer(nil)
	port := proxy.Listener.Addr().(*net.TCPAddr).Port
	base := (&url.URL{Scheme: "https", Host: net.JoinHostPort("localhost", big.NewInt(int64(port)).String())}).String()

	free, err := net.Listen("tcp", "127.0.0.1:0") // with -base-url the demo does not say on which port it is
	if err != nil {
		t.Fatal(err)
	}
	app := free.Addr().String()
	free.Close()
	d := startDemo(t, "-addr", app, "-base-url", base)

	proxy.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: app})
		r.Out.Host = r.In.Host
	}}
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0) // Chromium looks at the certificate, hangs up, and comes again
	proxy.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	return d
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
