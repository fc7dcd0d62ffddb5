package oauth

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Whatever a provider answers in a place of JSON is read alike, in each step.
func TestReplies(t *testing.T) {
	said := func(status int, mediaType string) func(string) answer {
		return func(good string) answer { return says(status, mediaType, good, "Location", "https://evil.example/") }
	}
	text := func(change func(string) string) func(string) answer {
		return func(good string) answer { return saysJSON(change(good)) }
	}
	first := func(member string) func(string) answer {
		return text(func(good string) string { return strings.Replace(good, "{", "{"+member+",", 1) })
	}
	long := func(more int) func(string) answer {
		return text(func(good string) string { return good + strings.Repeat(" ", maxReply-len(good)+more) })
	}
	types := func(values ...string) func(string) answer {
		return func(good string) answer {
			return func(r *http.Request) (*http.Response, error) {
				response, err := saysJSON(good)(r)
				response.Header["Content-Type"] = slices.Clone(values)
				return response, err
			}
		}
	}
	for name, tt := range map[string]struct {
		reply  func(good string) answer
		fails  string // "" is none
		got    string // what the check says that it found, if that is not for the check's own test
		reason string
	}{
		"as it should be": {said(200, "application/json"), "", "", "what the others are made from"},
		"charset":         {said(200, "Application/JSON; charset=utf-8"), "", "", "media types have no case, and may have parameters"},

		"created":     {said(201, "application/json"), "reply-status-200", "201", "only 200 is a success (RFC 6749 §5.1; OIDC Discovery §4.2)"},
		"redirected":  {said(307, "application/json"), "reply-status-200", "307", "code, secret or token would go along"},
		"bad gateway": {said(502, "application/json"), "reply-status-200", "502", "a proxy answers this, not the provider"},

		"HTML":           {said(200, "text/html"), "reply-media-type", "text/html", "a file that a user uploaded to the provider's host"},
		"other JSON":     {said(200, "application/ld+json"), "reply-media-type", "application/ld+json", "application/json is the one media type (OIDC Discovery §4.2)"},
		"no media type":  {said(200, ""), "reply-media-type", "", "nobody said that this is JSON"},
		"type twice":     {said(200, "application/json, application/json"), "reply-media-type", "application/json, application/json", "as a proxy joins two; what is there and wrong is not called missing"},
		"two headers":    {types("text/html", "application/json"), "reply-media-type", "text/html, application/json", "which of them?"},
		"the same twice": {types("application/json", "application/json"), "", "", "both say the same"},

		"cut short":     {text(func(good string) string { return good[:len(good)-1] }), "reply-json", "", "half an answer"},
		"empty":         {text(func(string) string { return "" }), "reply-json", "", "nothing was said"},
		"not UTF-8":     {first("\"x\": \"\xff\""), "reply-json", "", "JSON is UTF-8 (RFC 8259 §8.1)"},
		"a name twice":  {first(`"x": {"a": 1, "a": 2}`), "reply-json", "", "two parsers, two answers; at any depth"},
		"1 MiB":         {long(0), "", "", "as long as it may be"},
		"1 MiB and one": {long(1), "reply-size", "", "a reply without end; cut short it could read as if whole"},

		"no network": {func(string) answer { return down }, "reply-received", "op.example: connection refused", "said, and not tried again: a code may be used up"},
		"hangs":      {func(string) answer { return hangs }, "reply-received", "no answer from op.example in time", "given up after 10 s"},
	} {
		for place, at := range map[string]struct {
			url, good string
			step      int
			get       func(*testing.T, *Client) error
		}{
			"metadata": {opDiscovery, opMetadata, 0, func(t *testing.T, c *Client) error {
				_, to, err := c.Begin(t.Context())
				if err != nil && to != "" {
					t.Errorf("Begin goes on, to %q", to)
				}
				return err
			}},
			"keys": {opJWKS, `{"keys": [` + rsaJWK() + `]}`, 4, func(t *testing.T, c *Client) error {
				_, err := verify(t, c, tokenOf("rsa"))
				return err
			}},
			"tokens": {opToken, `{"access_token": "t0ken", "token_type": "Bearer", "id_token": "x"}`, 3, func(t *testing.T, c *Client) error {
				_, err := c.Exchange(t.Context(), callbackOf(t, c))
				return err
			}},
			"profile": {opUserinfo, `{"sub": "248289761001"}`, 5, func(t *testing.T, c *Client) error {
				_, err := c.UserInfo(t.Context(), signedIn("op"))
				return err
			}},
		} {
			bubble(t, place+" "+name, func(t *testing.T) {
				p := newOP()
				p.says[at.url] = tt.reply(at.good)
				err := at.get(t, newClient(t, opRow(), p))
				wantCheck(t, err, at.step, tt.fails, tt.reason)
				if e, _ := errors.AsType[*CheckError](err); e != nil && tt.got != "" && e.Got != tt.got {
					t.Errorf("got %q, want %q", e.Got, tt.got)
				}
				if p.count(at.url) != 1 || p.count("https://evil.example/") != 0 {
					t.Errorf("asked %v: redirects are not followed, and nothing is tried twice", p.asked)
				}
			})
		}
	}
}

// A refusal in words is shown, but a page is not, nor what a server that is down says. A
// revocation with status 200 is done, whatever the body says.
func TestReplySays(t *testing.T) {
	for name, tt := range map[string]struct {
		reply  reply
		want   string // "" is no refusal
		reason string
	}{
		"text":           {reply{403, "text/plain", []byte("no app\n"), Request{}, nil}, "no app", "a reason in words"},
		"HTML":           {reply{499, "text/html", []byte("no app\n"), Request{}, nil}, "no app", "no tag in it"},
		"a page":         {reply{403, "text/html", []byte("<p>no app"), Request{}, nil}, "", "a page is no reason"},
		"a link":         {reply{502, "text/html", []byte(`<a href="/?a=1&code=invalid_grant&message=no app">`), Request{}, nil}, "", "nor is what a link in it has"},
		"a text":         {reply{502, "text/plain", []byte("see https://x.example/?a=1&message=no app"), Request{}, nil}, "", "likewise"},
		"a text, a page": {reply{503, "text/html", []byte("Busy.\n<a_href=/?a=1&error=invalid_grant&error_description=no+app&b>"), Request{}, nil}, "", "likewise"},
		"a form":         {reply{400, "text/plain", []byte("code=190&message=no+app\n"), Request{}, nil}, "no app", "a form, and no error"},
		"its error":      {reply{503, "text/html", []byte(`<a href="/?a=1&error=invalid_grant&error_description=no app&b">`), Request{}, nil}, "", "likewise"},
		"no type":        {reply{403, "", []byte("no app\n"), Request{}, nil}, "", "nobody says what this is"},
		"bytes":          {reply{403, "application/octet-stream", []byte("no app\n"), Request{}, nil}, "", "likewise"},
		"down":           {reply{500, "text/plain", []byte("busy"), Request{}, nil}, "", "no answer to the request"},
		"a redirect":     {reply{302, "text/plain", []byte("Found"), Request{}, nil}, "", "likewise"},
		"our own secret": {reply{400, "text/plain", []byte("no c0de"), Request{Body: "code=c0de"}, nil}, withheld, "errors go to a log"},
	} {
		var got string
		if refusal, ok := tt.reply.failure(t.Context()).(*Refusal); ok {
			got = refusal.Description
		}
		wantEqual(t, tt.want, got, name+": "+tt.reason)
	}
	wantCheck(t, reply{status: 200, body: []byte(`{"error":"x"}`)}.checkRevoked(t.Context()), 7, "", "done")
}
