package oauth

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNewClient(t *testing.T) {
	const (
		callback = "https://app.example/callback/op"
		absolute = "want an absolute URL with an ASCII host, without user, fragment and IPv6 zone"
		https    = "is not https; plain http is only for an app or a provider on this machine"
	)
	plain := func(change func(*Metadata)) func(*Provider) {
		return func(p *Provider) {
			*p = plainRow()
			p.Name = "op"
			change(&p.Metadata)
		}
	}
	for name, tt := range map[string]struct {
		id, secret, redirectURI string
		row                     func(*Provider)
		err                     string // what it says; "" is none
		reason                  string
	}{
		"at home":        {"app", "s3cret", "http://localhost:8080/callback/op", nil, "", "plain http is for trying it out"},
		"issuer at home": {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "http://127.0.0.1:9000" }, "", "the fake provider for other people's clients"},

		"no profile":                       {"app", "s3cret", callback, func(p *Provider) { p.Profile = nil }, "no Name or no Profile", "a panic, after the user has said yes"},
		"no name":                          {"app", "s3cret", callback, func(p *Provider) { p.Name = "" }, "no Name or no Profile", "the name stands in the attempt, and empty never equals empty"},
		"no openid":                        {"app", "s3cret", callback, func(p *Provider) { p.Scopes = []string{"email"} }, "without the scope openid", "a sign-in that cannot end well"},
		"no id":                            {"", "s3cret", callback, nil, "must both be set", "half a pair"},
		"no secret":                        {"app", "", callback, nil, "must both be set", "half a pair"},
		"redirect relative":                {"app", "s3cret", "/callback/op", nil, absolute, "anyone who sends the Host header would choose"},
		"redirect schemeless":              {"app", "s3cret", "//app.example/callback", nil, absolute, "url.Parse gives it a host, and it is not absolute"},
		"redirect of an app":               {"app", "s3cret", "com.example.app://callback", nil, https, "any app on the device may claim that scheme (RFC 8252 §8.1)"},
		"redirect http":                    {"app", "s3cret", "http://app.example/callback/op", nil, https, "the code read on the wire"},
		"redirect fragment":                {"app", "s3cret", callback + "#x", nil, absolute, "the code would be behind it"},
		"issuer empty":                     {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "" }, absolute, "nobody"},
		"issuer with query":                {"app", "s3cret", callback, func(p *Provider) { p.Issuer += "?a=b" }, "must not have a query", "the well-known path would end up in it"},
		"issuer with IPv6 zone":            {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "https://[fe80::1%25eth0]" }, absolute, "net/http leaves the zone out"},
		"issuer not in ASCII":              {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "https://\u0080.example" }, absolute, "net/http sends it as xn--…"},
		"issuer with fragment":             {"app", "s3cret", callback, func(p *Provider) { p.Issuer += "#a" }, absolute, "the well-known path would never be sent"},
		"issuer with user":                 {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "https://op.example@evil.example" }, absolute, "the host is evil.example"},
		"issuer http":                      {"app", "s3cret", callback, func(p *Provider) { p.Issuer = "http://op.example" }, https, "metadata changed on the wire"},
		"authorization at home, token not": {"app", "s3cret", callback, plain(func(m *Metadata) { m.AuthorizationEndpoint = "http://localhost/authorize" }), https, "a provider out there could send the browser to services of its user's machine"},
		"all at home": {"app", "s3cret", callback, plain(func(m *Metadata) {
			m.TokenEndpoint, m.AuthorizationEndpoint = "http://localhost/token", "http://localhost/authorize"
		}), "", "the fake provider"},
		"token endpoint http":         {"app", "s3cret", callback, plain(func(m *Metadata) { m.TokenEndpoint = "http://op.example/token" }), https, "the secret read on the wire"},
		"authorization endpoint http": {"app", "s3cret", callback, plain(func(m *Metadata) { m.AuthorizationEndpoint = "http://op.example/authorize" }), `authorization endpoint "http://op.example/authorize": http://op.example is not https`, "the sign-in page changed on the wire"},
	} {
		t.Run(name, func(t *testing.T) {
			row := with(opRow(), tt.row)
			c, err := NewClient(row, tt.id, tt.secret, tt.redirectURI, nil)
			if (err == nil) != (tt.err == "") || (c == nil) != (err != nil) {
				t.Fatalf("%v, %v: %s", c, err, tt.reason)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "oauth: "+row.Name+": ") || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("%v\nwant %s", err, tt.err)
			}
		})
	}
}

// Each step takes only what the one before made, at the same provider: no zero value, which
// an error brings that nobody looked at, and nothing that another client made (mix-up: an
// honest provider's code or token sent to the attacker's).
func TestForeign(t *testing.T) {
	p, ctx := newOP(), t.Context()
	c, plain, c1 := newClient(t, opRow(), p), newClient(t, plainRow(), p), newClient1(t, xRow(), p)
	for _, of := range []string{"", "other"} {
		for _, step := range []struct {
			step int
			do   func() (any, error)
		}{
			{2, func() (any, error) { return c.ParseCallback(ctx, attemptOf(of), "state=st4te-st4te&code=c0de") }},
			{2, func() (any, error) {
				return c1.ParseCallback(ctx, Attempt{Provider: of, TemporaryToken: "T"}, "oauth_token=T&oauth_verifier=V")
			}},
			{3, func() (any, error) { return c.Exchange(ctx, Callback{attempt: attemptOf(of), code: "c0de"}) }},
			{3, func() (any, error) { return c1.Exchange(ctx, Callback{attempt: Attempt{Provider: of}, code: "V"}) }},
			{4, func() (any, error) {
				return c.VerifyIDToken(ctx, Unverified{attemptOf(of), Tokens{AccessToken: "t0ken"}, "", false})
			}},
			{4, func() (any, error) {
				return plain.VerifyIDToken(ctx, Unverified{attemptOf(of), Tokens{AccessToken: "t0ken"}, "", false})
			}},
			{5, func() (any, error) { return c.UserInfo(ctx, signedIn(of)) }},
			{5, func() (any, error) { return c1.UserInfo(ctx, TokenCredentials{Provider: of, Token: "t0ken"}) }},
			{6, func() (any, error) { return c.Refresh(ctx, Tokens{Provider: of, RefreshToken: "refr3sh"}) }},
			{7, func() (any, error) { return 0, c.Revoke(ctx, signedIn(of)) }},
			{7, func() (any, error) { return 0, c1.Revoke(ctx, TokenCredentials{Provider: of, Token: "t0ken"}) }},
		} {
			got, err := step.do()
			wantCheck(t, err, step.step, "attempt-client", "made by the client "+of)
			if !reflect.ValueOf(got).IsZero() {
				t.Errorf("step %d: %v with an error", step.step, got)
			}
		}
	}
	if len(p.asked) > 0 {
		t.Errorf("a code or a token was sent: %v", p.asked)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.255.255.254": true, "::1": true, "[::1]": true,
		"": false, "localhost.": false, "localho\u017ft": false, "localhost.evil.example": false, "evil-localhost": false, "127.0.0.1.evil.example": false,
		"0.0.0.0": false, "::": false, "128.0.0.1": false, "10.0.0.1": false, "169.254.169.254": false, "127.1": false, "2130706433": false,
		"op.example": false, "::ffff:10.0.0.1": false,
	} {
		wantEqual(t, want, IsLoopback(host), host)
	}
}

// Plain http is for a provider on this machine, and only for the way to it.
func TestPlainHTTP(t *testing.T) {
	p := newOP()
	for endpoint, tt := range map[string]struct {
		home  string
		fails string
	}{
		"http://127.0.0.1:9000/token": {"http://localhost:9000", ""},
		"http://op.example/token":     {"http://localhost:9000", "endpoint-https"},
		"ftp://127.0.0.1/token":       {"http://localhost:9000", "endpoint-https"},
		"http://localhost/token":      {"https://op.example", "endpoint-https"},
	} {
		t.Run(tt.home+" to "+endpoint, func(t *testing.T) {
			p.says[tt.home+"/.well-known/openid-configuration"] = saysJSON(`{"issuer": "` + tt.home + `", "authorization_endpoint": "` +
				tt.home + `/authorize", "jwks_uri": "` + tt.home + `/jwks", "token_endpoint": "` + endpoint + `"}`)
			row := opRow()
			row.Issuer = tt.home
			_, err := newClient(t, row, p).Discover(t.Context())
			wantCheck(t, err, 0, tt.fails, "a provider out there could make this app talk to services of its own machine, or in the clear")
		})
	}
}

// The provider answers at once, and never ends.
func TestReplyWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		var sent int
		reads := func(body bodyFunc) answer {
			return func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, Request: r}, nil
			}
		}
		p.says[opDiscovery] = reads(func(b []byte) (int, error) {
			sent += len(b)
			return len(b), nil
		})
		_, err := newClient(t, opRow(), p).Discover(t.Context())
		wantCheck(t, err, 0, "reply-size", "it would fill the memory")
		if sent > 2*maxReply {
			t.Errorf("%d bytes were read", sent)
		}
		// A provider that sends a byte now and then does not delay us longer than one that hangs.
		p.says[opDiscovery] = func(r *http.Request) (*http.Response, error) {
			return reads(func(b []byte) (int, error) {
				select {
				case <-r.Context().Done():
					return 0, r.Context().Err()
				case <-time.After(time.Second):
					b[0] = ' '
					return 1, nil
				}
			})(r)
		}
		began := time.Now()
		_, err = newClient(t, opRow(), p).Discover(t.Context())
		wantCheck(t, err, 0, "reply-received", "the deadline is for the whole reply")
		wantEqual(t, 10*time.Second, time.Since(began), "the deadline is for the whole reply")
	})
}

// A header without end is given up after 64 KiB. The transport is the real one, over a pipe.
func TestReplyHeaderWithoutEnd(t *testing.T) {
	const line = 1 << 10
	for lines, fails := range map[int]string{32: "", 9 << 10: "reply-received"} {
		row := opRow()
		row.Issuer = "http://127.0.0.1:1"
		c := newClient(t, row, nil)
		transport := c.transport.(*http.Transport)
		if transport.MaxResponseHeaderBytes != 64<<10 || transport.IdleConnTimeout != 90*time.Second || transport.Proxy == nil || transport.DialContext == nil {
			t.Errorf("at most %d bytes, idle for %s, with a dial of its own: %t", transport.MaxResponseHeaderBytes, transport.IdleConnTimeout, transport.DialContext != nil)
		}
		sent := make(chan int, 1)
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			app, provider := net.Pipe()
			go func() {
				defer provider.Close()
				http.ReadRequest(bufio.NewReader(provider))
				fmt.Fprint(provider, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n")
				n := 0
				for range lines {
					written, err := fmt.Fprintf(provider, "X: %s\r\n", strings.Repeat("x", line-5))
					if n += written; err != nil {
						break
					}
				}
				fmt.Fprintf(provider, "\r\n%s", strings.ReplaceAll(opMetadata, "https://op.example", row.Issuer))
				sent <- n
			}()
			return app, nil
		}
		_, err := c.Discover(t.Context())
		wantCheck(t, err, 0, fails, "a header fills the memory like a body")
		if n := <-sent; n > 2*maxHeader {
			t.Errorf("%d bytes of a header were read", n)
		}
		if fails != "" && !strings.Contains(err.Error(), "headers exceeded") {
			t.Errorf("the error does not say what is wrong: %v", err)
		}
	}
}

// A provider that hangs where an http.Transport itself does not watch the time keeps neither the
// request nor the connection for longer than ten seconds.
func TestProviderHangs(t *testing.T) {
	for name, row := range map[string]struct{ issuer, says string }{
		"in the TLS handshake":      {"https://op.example", ""},
		"after the protocol change": {"http://127.0.0.1:1", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"},
		"in the header":             {"http://127.0.0.1:1", "HTTP/1.1 200 OK\r\n"},
		"in the body":               {"http://127.0.0.1:1", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				op, began := opRow(), time.Now()
				op.Issuer = row.issuer
				c := newClient(t, op, nil)
				closed := make(chan time.Duration, 1)
				transport := c.transport.(*http.Transport)
				transport.Proxy = nil
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					app, provider := net.Pipe()
					go func() {
						if row.says != "" {
							http.ReadRequest(bufio.NewReader(provider))
							fmt.Fprint(provider, row.says)
						}
						time.AfterFunc(time.Hour, func() { provider.Close() })
						io.Copy(io.Discard, provider)
						closed <- time.Since(began)
					}()
					return app, nil
				}
				_, err := c.Discover(t.Context())
				wantCheck(t, err, 0, "reply-received", "every visitor would wait")
				if waited := time.Since(began); waited != 10*time.Second || !strings.Contains(err.Error(), "in time") {
					t.Errorf("after %s: %v", waited, err)
				}
				wantEqual(t, 10*time.Second, <-closed, "the connection is closed")
			})
		})
	}
}

// bodyFunc is a reply's body that is read with this function.
type bodyFunc func([]byte) (int, error)

func (f bodyFunc) Read(b []byte) (int, error) { return f(b) }
func (f bodyFunc) Close() error               { return nil }

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c := <-p; c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error {
	select {
	case p <- nil:
	default: // nobody accepts any more
	}
	return nil
}

func (p pipes) Addr() net.Addr { return new(net.TCPAddr) }

// With a provider that offers HTTP/2, the client's own transport speaks HTTP/1.1: over HTTP/2, net/http would send a
// POST again if the provider resets it.
func TestOverTLS(t *testing.T) {
	listener, proto := make(pipes), ""
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto = r.Proto })
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}, EnableHTTP2: true}
	server.StartTLS()
	defer server.Close()
	c := newClient(t, opRow(), nil)
	transport := c.transport.(*http.Transport)
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		app, provider := net.Pipe()
		listener <- provider
		return app, nil
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = new(tls.Config)
	}
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	r := c.send(t.Context(), Request{Method: "GET", URL: "https://example.com/"})
	wantCheck(t, r.err, 0, "", "a reply over TLS")
	wantEqual(t, "HTTP/1.1", proto, "the protocol")
}

// The transport of a test may give a reply without a body. That is an empty one.
func TestReplyWithoutBody(t *testing.T) {
	c := newClient(t, opRow(), answer(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 204, Header: http.Header{}}, nil
	}))
	r := c.send(t.Context(), Request{Method: "GET", URL: "https://op.example/"})
	wantEqual(t, 204, r.status, "a reply")
	wantEqual(t, 0, len(r.body), "without a body")
	wantCheck(t, r.err, 0, "", "and no error")
}

// Which parts of a request must not get to a page or a log in a provider's error text.
func TestSecretsOfARequest(t *testing.T) {
	for name, tt := range map[string]struct {
		authorization, body string
		want                []string
	}{
		"OAuth 1.0a":          {`OAuth oauth_consumer_key="app", oauth_token="T%2B1", oauth_verifier="V%201", oauth_signature="s%2Fg%3D"`, "", []string{"T+1", "T%2B1", "V 1", "s/g="}},
		"GitHub's revocation": {"Basic YXBwOnMlMjBz", `{"access_token": "gho%t0ken"}`, []string{"gho%t0ken", "YXBwOnMlMjBz", "s%20s", "s s"}},
		"a form":              {"", "grant_type=authorization_code&code=c0de&code_verifier=v3&client_secret=s3", []string{"s3", "c0de", "v3"}},
		"overlapping":         {"", "code=s3c&client_secret=s3cret", []string{"s3c", "s3cret"}},
		"Bearer":              {`Bearer &"t0ken`, "", []string{`&"t0ken`}},
		"Basic":               {"Basic YXBwOiZzM2M=", "", []string{"&s3c"}}, // base64 of app:&s3c
		"no escape":           {"Bearer t0k%n", "", []string{"t0k%n"}},
	} {
		r := Request{URL: "https://op.example/token?appsecret_proof=pr00f", Body: tt.body, Header: http.Header{"Authorization": {tt.authorization}}}
		for _, secret := range append(tt.want, "pr00f") {
			wantEqual(t, withheld, r.scrub("no: "+secret+"."), name+", "+secret)
		}
		wantEqual(t, "no such app", r.scrub("no such app"), name+": there is no secret in it")
	}
}

// What each kind of failure of the network is called. No message has the URL, which may hold
// secrets.
func TestUnreachableSays(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{errors.New("boom"), "op.example: boom"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, "op.example: dial tcp: connection refused"},
		{&net.DNSError{Err: "no such host", Name: "op.example", Server: "10.0.0.2:53"}, "no address found for the host op.example"},
		{context.DeadlineExceeded, "no answer from op.example in time"},
	} {
		ctx := WithTrace(t.Context(), func(Event) {})
		_, err := newClient(t, plainRow(), newOP().but(opToken, func(*http.Request) (*http.Response, error) { return nil, row.err })).Get(ctx, signedIn("plain"), opToken+"?a=b")
		wantGot(t, err, CheckError{Got: row.want})
	}
}

func TestUnsendableRequest(t *testing.T) {
	p := newOP()
	err := newClient(t, opRow(), p).send(t.Context(), Request{Method: "NO METHOD", URL: opToken}).err
	wantEqual(t, `oauth: step 0: net/http: invalid method "NO METHOD"`, fmt.Sprint(err), "it has no method")
	wantEqual(t, 0, len(p.asked), "requests")
}
