package oauth

import (
	"context"
	"encoding/json"
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
	endpointHTTPS  = Check{0, "endpoint-https", "RFC 6749 §3.1, §3.2; OIDC Discovery §3; RFC 5849 §2.1, §2.3", "codes, tokens and keys read or changed on the wire"}
	replyReceived  = Check{0, "reply-received", "hardening", "a provider that hangs or is down keeps every visitor waiting"}
	replySize      = Check{0, "reply-size", "hardening", "a reply without end fills the memory; one cut short is read as if whole"}
	replyStatus    = Check{0, "reply-status-200", "RFC 6749 §5.1; OIDC Discovery §4.2; OIDC Core §5.3.2; RFC 5849 §2.1, §2.3", "an error page, or a redirect to somebody else's server, read as the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "two parsers see two tokens, two issuers, two users in one reply"}
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
	return &Client{Provider: p, ID: id, Secret: secret, RedirectURI: redirectURI, sender: sender}, nil
}

// sender sends a client's requests.
type sender struct {
	http     http.Client
	loopback bool // the configured provider is itself on this machine
}

// newSender returns a sender to the provider whose configured URL is home.
func newSender(home string, transport http.RoundTripper) (sender, error) {
	u, err := url.Parse(home)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return sender{}, fmt.Errorf("%q is not an absolute URL without query and fragment (OIDC Discovery §3)", home)
	}
	s := sender{loopback: IsLoopback(u.Hostname())}
	if !s.mayVisit(home) {
		return sender{}, fmt.Errorf("%q must be https (OIDC Discovery §3); plain http is for this machine only", home)
	}
	s.http = http.Client{
		Transport: transport,
		Timeout:   requestTimeout,
		// A 307 or 308 would send code, verifier and secret on to wherever it points
		// (RFC 9700 §4.12), so a redirect is an answer like others, and not a 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// IsLoopback reports whether host is localhost, 127.0.0.0/8 or ::1: this machine,
// which plain http does not leave.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// mayVisit reports whether a request may go to rawURL, or a browser be sent there.
func (s *sender) mayVisit(rawURL string) bool {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && s.loopback && IsLoopback(u.Hostname())
}

// reply is what came back from a provider, read whole.
type reply struct {
	status    int
	mediaType string
	body      []byte
}

// send is the one function through which every request to a provider goes.
func (s *sender) send(ctx context.Context, step int, method, rawURL string, header http.Header, body string) (reply, error) {
	if err := check(ctx, endpointHTTPS.that(s.mayVisit(rawURL)).at(step)); err != nil {
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

	response, err := s.http.Do(request)
	var received []byte
	if err == nil {
		received, err = io.ReadAll(http.MaxBytesReader(nil, response.Body, maxReply))
		response.Body.Close()
	}
	// The message of a *url.Error holds the URL, and Meta's hold secrets.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	if err := check(ctx,
		replySize.that(!tooLong).at(step),
		replyReceived.noError(withHost(request.URL.Host, err)).at(step),
	); err != nil {
		return reply{}, err
	}
	if t := tracing(ctx); t != nil {
		t.event(step, ReplyReceived{response.StatusCode, response.Header, string(received)})
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return reply{response.StatusCode, mediaType, received}, nil
}

// withHost says in words what kept the host from answering.
func withHost(host string, err error) error {
	if err == nil {
		return nil
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return fmt.Errorf("no answer from %s in time", host)
	}
	return fmt.Errorf("%s: %w", host, err)
}

// json returns the body of a reply that is 200, declares itself JSON (or one of
// the media types in also) and is strict JSON. A reply that says why it refuses
// is a *Refusal.
func (r reply) json(ctx context.Context, step int, also ...string) (json.RawMessage, error) {
	invalid := validJSON(r.body)
	if r.status != http.StatusOK && invalid == nil {
		if object, err := parseObject(r.body); err == nil {
			if refusal := refusal(step, r.status, object); refusal != nil {
				return nil, refusal
			}
		}
	}
	err := check(ctx,
		r.statusRow(step),
		replyMediaType.oneOf(r.mediaType, append(also, "application/json")...).at(step),
		replyJSON.noError(invalid).at(step),
	)
	if err != nil {
		return nil, err
	}
	return r.body, nil
}

func (r reply) statusRow(step int) row {
	row := replyStatus.that(r.status == http.StatusOK).at(step)
	if !row.ok {
		row.got, row.want = fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)), "200"
	}
	return row
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

// refusal finds the reason in a reply that refuses: RFC 6749 §5.2, or one of the
// shapes that providers use instead. It returns nil where there is none. An error
// counts whatever the status is, and whatever stands beside it.
func refusal(step, status int, o Object) *Refusal {
	r := &Refusal{Step: step, Status: status}
	var inner Object
	if o.Read("error", &r.Code) != nil && o.Read("error", &inner) != nil {
		r.Code = string(o["error"])
	}
	switch {
	case inner != nil: // Meta and Spotify's API: {"error": {"message": …, "code": …}}
		o = inner
		o.Read("message", &r.Description)
	case r.Code != "":
		o.Read("error_description", &r.Description)
		o.Read("error_uri", &r.URI)
	case status == http.StatusOK:
		return nil
	default:
		var several []Object // X: {"errors": [{"message": …, "code": …}]}
		if o.Read("errors", &several); o["message"] == nil && len(several) > 0 {
			o = several[0]
		}
		o.Read("error_message", &r.Description) // Instagram's token endpoint
		o.Read("message", &r.Description)       // GitHub's API
	}
	for _, name := range []string{"code", "status"} { // numbers, in these shapes
		if r.Code == "" && o[name] != nil {
			r.Code = string(o[name])
		}
	}
	if r.Code == "" && r.Description == "" {
		return nil
	}
	r.Code, r.Description, r.URI = clip(strings.Trim(r.Code, `"`)), clip(r.Description), clip(r.URI)
	return r
}
