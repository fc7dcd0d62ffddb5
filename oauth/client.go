package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	requestTimeout = 10 * time.Second
	maxReply       = 1 << 20 // bytes; no honest reply of these protocols comes near
	userAgent      = "oauthbyhand/1 (+https://example.com/oauthbyhand)"
)

// What must hold for each request to a provider and for its reply.
var (
	endpointHTTPS = Check{0, "endpoint-https", "RFC 6749 §3.1, §3.2; RFC 5849 §2.1", "codes, tokens and keys read or changed on the wire"}
	replyReceived = Check{0, "reply-received", "hardening", "a provider that hangs or is down keeps every visitor waiting"}
	replySize     = Check{0, "reply-size", "hardening", "a reply without end fills the memory; one cut short is read as if whole"}
)

// Client is this app as registered with one provider. Its methods are the steps
// of a sign-in. It may be used by several goroutines.
type Client struct {
	Provider
	ID          string
	Secret      string
	RedirectURI string // as registered, to the letter

	sender
	discovered shared[Metadata]
	keys       shared[[]key]
}

// NewClient returns the client of the app that is registered with p under id and
// secret for redirectURI. A nil transport means http.DefaultTransport; package
// fake has one that reaches no network.
func NewClient(p Provider, id, secret, redirectURI string, transport http.RoundTripper) (*Client, error) {
	if err := registered(p.Name, id, secret, redirectURI); err != nil {
		return nil, err
	}
	home := p.Metadata.TokenEndpoint
	if p.OpenID {
		home = p.Issuer
	}
	sender, err := newSender(home, transport)
	if err != nil {
		return nil, fmt.Errorf("oauth: %s: %w", p.Name, err)
	}
	if !p.OpenID && !sender.mayVisit(p.Metadata.AuthorizationEndpoint) {
		return nil, fmt.Errorf("oauth: %s: the authorization endpoint must be https (RFC 6749 §3.1)", p.Name)
	}
	return &Client{Provider: p, ID: id, Secret: secret, RedirectURI: redirectURI, sender: sender}, nil
}

// sender sends a client's requests.
type sender struct {
	transport http.RoundTripper
	loopback  bool // the configured provider is itself on this machine
}

// newSender returns a sender to the provider whose configured URL is home.
func newSender(home string, transport http.RoundTripper) (sender, error) {
	u, err := url.Parse(home)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.ContainsAny(home, "?#") {
		return sender{}, fmt.Errorf("%q is not an absolute URL without user, query and fragment (OIDC Discovery §3)", home)
	}
	s := sender{transport, IsLoopback(u.Hostname())}
	if !s.mayVisit(home) {
		return sender{}, fmt.Errorf("%q must be https (OIDC Discovery §3); plain http is for this machine only", home)
	}
	return s, nil
}

// IsLoopback reports whether host is localhost, 127.0.0.0/8 or ::1: this machine,
// which plain http does not leave.
func IsLoopback(host string) bool {
	ip, _ := netip.ParseAddr(strings.Trim(host, "[]")) // beside an error it is the zero Addr, which is nowhere
	return strings.EqualFold(host, "localhost") || ip.IsLoopback()
}

// mayVisit reports whether a request may go to rawURL, or a browser be sent there.
func (s *sender) mayVisit(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && s.loopback && IsLoopback(u.Hostname())
}

// visit is the row for mayVisit. Of the URL it keeps no more than the host: there may
// be secrets in the rest.
func (s *sender) visit(rawURL string) row {
	r := endpointHTTPS.that(s.mayVisit(rawURL))
	if u, err := url.Parse(rawURL); err == nil && u.Host != "" {
		r.got = u.Scheme + "://" + u.Host
	}
	if !r.ok {
		r.want = "an https URL"
	}
	return r
}

// send is the one function through which every request to a provider goes.
func (s *sender) send(ctx context.Context, step int, method, rawURL string, header http.Header, body string) (reply, error) {
	if err := check(ctx, s.visit(rawURL).at(step)); err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, method, rawURL, strings.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("oauth: step %d: %w", step, err)
	}
	request.Header = header
	if header.Get("Accept") == "" {
		header.Set("Accept", "application/json") // GitHub answers form-encoded without it
	}
	header.Set("User-Agent", userAgent) // api.github.com refuses requests without one
	if t := tracing(ctx); t != nil {
		t.event(step, RequestSent{method, rawURL, header.Clone(), body})
	}

	client := http.Client{
		Transport: s.transport,
		Timeout:   requestTimeout,
		// A 307 or 308 would carry code, verifier and secret on to wherever it points
		// (as RFC 9700 §4.12 says of browsers), so a redirect is an answer like others,
		// and not a 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	var received []byte
	if err == nil {
		received, err = io.ReadAll(http.MaxBytesReader(nil, response.Body, maxReply))
		response.Body.Close()
	}
	// The message of a *url.Error holds the URL, and Meta's hold secrets.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if t := tracing(ctx); t != nil && err == nil {
		t.event(step, ReplyReceived{response.StatusCode, response.Header, string(received)})
	}
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	if err := check(ctx,
		replySize.that(!tooLong).at(step),
		replyReceived.noError(unreachable(request, body, err)).at(step),
	); err != nil {
		return reply{}, err
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return reply{response.StatusCode, mediaType, received, request, body}, nil
}

// unreachable says in words what kept the host from answering.
func unreachable(request *http.Request, body string, err error) error {
	if err == nil {
		return nil
	}
	host := request.URL.Host
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("no answer from %s in time", host)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok { // it names this machine's resolver
		return fmt.Errorf("there is no host %s", host)
	}
	return errors.New(scrub(host+": "+err.Error(), secrets(request, body)))
}

// getObject fetches a JSON object.
func (s *sender) getObject(ctx context.Context, step int, rawURL string, also ...string) (Object, error) {
	r, err := s.send(ctx, step, http.MethodGet, rawURL, http.Header{}, "")
	if err != nil {
		return nil, err
	}
	body, err := r.json(ctx, step, also...)
	if err != nil {
		return nil, err
	}
	object, err := parseObject(body)
	if err := check(ctx, replyJSON.noError(err).at(step)); err != nil {
		return nil, err
	}
	return object, nil
}
