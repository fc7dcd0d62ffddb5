package oauth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	requestTimeout = 10 * time.Second
	maxReply       = 1 << 20  // bytes of a body; an honest reply is far shorter
	maxHeader      = 64 << 10 // bytes of a header; net/http would allow 10 MB
	userAgent      = "oauthbyhand/1 (+https://example.com/oauthbyhand)"
)

// What must hold for each request to a provider and for its reply.
var (
	endpointHTTPS = Check{0, "endpoint-https", "RFC 6749 §3.1, §3.2; RFC 5849 §2.1", "codes, tokens and keys read or changed on the wire"}
	replyReceived = Check{0, "reply-received", "defense in depth", "a provider that hangs or is down keeps every visitor waiting"}
	replySize     = Check{0, "reply-size", "defense in depth", "a reply without end fills the memory, or half a reply is read as if it were whole"}
)

// Client is this app as registered with one provider. Its methods are the steps
// of a sign-in. Several goroutines may use it. It waits for a reply at most 10 seconds, or until
// ctx ends. It accepts at most 1 MiB of a reply's body and, with its own transport, 64 KiB of the
// header.
//
// If a step returns an error, do not use its other results. The error is a [*CheckError], a
// [*Refusal], [ErrNoRevocation] or an error of another kind, for example if
// stored claims are damaged.
type Client struct {
	Provider
	ID          string // client_id
	Secret      string // client_secret
	RedirectURI string // redirect_uri, exactly as registered

	sender
	discovered shared[Metadata]
	keys       shared[[]key]
}

// NewClient returns the Client of an app. id, secret and redirectURI are those with which p has
// registered the app. If transport is nil, NewClient makes an http.Transport that limits the size
// of a reply's header. Your own transport must do that itself. Package fake has one that reaches
// no network. NewClient sends nothing. Its error names what is missing or not safe.
func NewClient(p Provider, id, secret, redirectURI string, transport http.RoundTripper) (*Client, error) {
	providerURL, authorization := p.Metadata.TokenEndpoint, p.Metadata.AuthorizationEndpoint
	if p.OpenID { // step 0 discovers the endpoints
		providerURL, authorization = p.Issuer, p.Issuer
		if !slices.Contains(p.Scopes, "openid") {
			return nil, fmt.Errorf("oauth: %s: without the scope openid there is no ID token (OIDC Core §3.1.2.1)", p.Name)
		}
	}
	if err := validateRegistration(p.About, p.Profile, id, secret, redirectURI, providerURL, authorization); err != nil {
		return nil, err
	}
	return &Client{Provider: p, ID: id, Secret: secret, RedirectURI: redirectURI, sender: newSender(providerURL, transport)}, nil
}

// validateRegistration returns an error if the id, the secret or the entry's Name or Profile is
// missing, or if one of the three URLs is not safe. Both protocols use it. providerURL is the issuer
// or the token endpoint.
func validateRegistration(p About, profile func(ProfileInput) (Profile, error), id, secret, redirectURI, providerURL, authorization string) error {
	if p.Name == "" || profile == nil {
		return fmt.Errorf("oauth: %s: the provider entry has no Name or no Profile", p.Name)
	}
	if id == "" || secret == "" {
		return fmt.Errorf("oauth: %s: client id and client secret must both be set", p.Name)
	}
	if err := checkHTTPS(redirectURI, true); err != nil {
		return fmt.Errorf("oauth: %s: redirect URI %q: %w (RFC 6749 §3.1.2)", p.Name, redirectURI, err)
	}
	if err := checkHTTPS(providerURL, true); err != nil {
		return fmt.Errorf("oauth: %s: issuer or token endpoint %q: %w (OIDC Discovery §3; RFC 6749 §3.2)", p.Name, providerURL, err)
	}
	if err := checkHTTPS(authorization, strings.HasPrefix(providerURL, "http:")); err != nil {
		return fmt.Errorf("oauth: %s: authorization endpoint %q: %w (RFC 6749 §3.1; RFC 5849 §2.2)", p.Name, authorization, err)
	}
	if strings.Contains(providerURL, "?") {
		return fmt.Errorf("oauth: %s: issuer or token endpoint %q: must not have a query (OIDC Discovery §3)", p.Name, providerURL)
	}
	return nil
}

// checkHTTPS returns an error if it is not safe to send a request or the browser to rawURL. If
// loopback is true, plain http to this machine is safe. A host must be ASCII and have no IPv6 zone:
// net/http would spell any other host in another way, and the signature of OAuth 1.0a would be
// wrong. The error shows only the scheme and the host of the URL, because the rest may hold secrets.
func checkHTTPS(rawURL string, loopback bool) error {
	u, err := url.Parse(rawURL)
	if err != nil || !u.IsAbs() || u.Hostname() == "" || u.User != nil || strings.Contains(rawURL, "#") ||
		strings.ContainsFunc(u.Host, func(r rune) bool { return r == '%' || r >= 0x80 }) {
		return errors.New("want an absolute URL with an ASCII host, without user, fragment and IPv6 zone")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback && IsLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s://%s is not https; plain http is only for an app or a provider on this machine", u.Scheme, u.Host)
}

// IsLoopback reports whether host is localhost, an address in 127.0.0.0/8, or ::1. Plain http to
// these does not leave this machine.
func IsLoopback(host string) bool {
	ip, _ := netip.ParseAddr(strings.Trim(host, "[]"))             // if host is no address, ip is not loopback
	return strings.ToLower(host) == "localhost" || ip.IsLoopback() // strings.EqualFold would accept ſ for s
}

// sender sends a client's requests.
type sender struct {
	transport http.RoundTripper
	loopback  bool // the provider is on this machine and speaks plain http
}

// newSender returns a sender for one provider. providerURL is its issuer or its token endpoint.
func newSender(providerURL string, transport http.RoundTripper) sender {
	if transport == nil {
		transport = &http.Transport{ // DialContext turns off HTTP/2, which might send a POST twice
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: requestTimeout}).DialContext, // a dial can outlast its request,
			TLSHandshakeTimeout:    requestTimeout,                                     // and so can a handshake
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	return sender{transport, strings.HasPrefix(providerURL, "http:")}
}

// safeURL is the check that a URL is safe: the URL of each request, and each URL in the metadata.
func (s *sender) safeURL(rawURL string) Outcome {
	return endpointHTTPS.noError(checkHTTPS(rawURL, s.loopback))
}

// Request is a request to a provider. Its fields have the names of those in [net/http.Request].
type Request struct {
	Method, URL string
	Header      http.Header
	Body        string
}

// send sends one request to the provider. Every request goes through this function.
func (s *sender) send(ctx context.Context, r Request) reply {
	if err := check(ctx, s.safeURL(r.URL)); err != nil {
		return reply{err: err}
	}
	waiting, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(waiting, r.Method, r.URL, strings.NewReader(r.Body))
	if err != nil {
		return reply{err: fmt.Errorf("oauth: step %d: %w", stepOf(ctx), err)}
	}
	request.Header.Set("Accept", "application/json") // without this header GitHub's reply is form-encoded
	request.Header.Set("User-Agent", userAgent)      // api.github.com refuses a request without this header
	maps.Copy(request.Header, r.Header)
	report(ctx, RequestSent{r.Method, r.URL, request.Header.Clone(), r.Body})

	// RoundTrip does not follow redirects; an http.Client would. After a 307 or 308 it would send
	// code, verifier and secret to another server (RFC 9700 §4.12 describes this for browsers).
	// After RoundTrip a check of the status refuses the redirect. Also, an http.Client's
	// error shows the URL, and Facebook's URLs hold a proof made with the client secret.
	response, err := s.transport.RoundTrip(request)
	var received []byte
	if err == nil && response.Body != nil { // a RoundTripper may leave it out
		// After a 101, an http.Transport does not end the body when the request's time is over.
		context.AfterFunc(waiting, func() { response.Body.Close() })
		received, err = io.ReadAll(http.MaxBytesReader(nil, response.Body, maxReply))
	}
	if t := tracing(ctx); t != nil && err == nil {
		t.event(ctx, ReplyReceived{response.StatusCode, response.Header, string(received)})
	}
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	if err := check(ctx,
		replySize.holds(!tooLong),
		replyReceived.noError(unreachable(waiting, r, request.URL.Host, err)),
	); err != nil {
		return reply{err: err}
	}
	contentType := strings.Join(slices.Compact(response.Header["Content-Type"]), ", ")
	mediaType, _, _ := mime.ParseMediaType(contentType)
	body := bytes.TrimPrefix(received, []byte("\ufeff")) // a byte order mark (RFC 8259 §8.1)
	return reply{response.StatusCode, cmp.Or(mediaType, contentType), body, r, nil}
}

// unreachable says in words why no reply came from host. It returns nil if err is nil.
func unreachable(ctx context.Context, r Request, host string, err error) error {
	if err == nil {
		return nil
	}
	if timeout, ok := errors.AsType[net.Error](cmp.Or(ctx.Err(), err)); ok && timeout.Timeout() {
		return fmt.Errorf("no answer from %s in time", host)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok { // err itself would show the address of this machine's DNS server
		return fmt.Errorf("no address found for the host %s", host)
	}
	return errors.New(r.scrub(host + ": " + err.Error()))
}

// getObject fetches a JSON object. Its media type must be application/json or in others.
func (s *sender) getObject(ctx context.Context, rawURL string, others ...string) (Object, error) {
	return s.send(ctx, Request{Method: http.MethodGet, URL: rawURL}).object(ctx, append(others, "application/json")...)
}
