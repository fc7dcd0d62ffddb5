package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"unicode/utf8"
)

// What must hold for each reply, in addition to the checks of its step.
var (
	replyStatus    = Check{0, "reply-status-200", "OIDC Discovery §4.2; RFC 6749 §5.1; OIDC Core §5.3.2", "an error page, or a redirect to somebody else's server, read as the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "two parsers see two tokens, two issuers, two users in one reply"}
)

const formEncoded = "application/x-www-form-urlencoded"

// reply is what came back from a provider, read whole.
type reply struct {
	status    int
	mediaType string
	body      []byte
	sent      Request // its secrets are withheld if the provider repeats them
}

// statusOK is the check of the status: 200 is the only success.
func (r reply) statusOK() Outcome { return replyStatus.equal(r.said(), "200") }

// said is the status, with the words of a server that is down.
func (r reply) said() string {
	status := strconv.Itoa(r.status)
	if r.status >= 500 && r.prose() != "" {
		status += ": " + r.sent.scrub(r.prose())
	}
	return status
}

// object reads a reply that must be JSON, under one of these types. It judges it by its error,
// its status and its members, in this order: GitHub reports errors with status 200. A reply
// that says why it refuses is a *Refusal.
func (r reply) object(ctx context.Context, mediaTypes ...string) (Object, error) {
	if refusal := r.refusal(ctx); refusal != nil {
		return nil, refusal
	}
	object, invalid := parseObject(r.body)
	return checked(ctx, object,
		r.statusOK(),
		replyMediaType.oneOf(r.mediaType, mediaTypes...),
		replyJSON.noError(invalid),
	)
}

// json returns the body of an API's reply, an object or not. What error means in one
// with status 200 only that API knows, unless ok or errcode says it.
func (r reply) json(ctx context.Context) (json.RawMessage, error) {
	o, invalid := parseJSON(r.body)
	if refusal := r.refusal(ctx); refusal != nil && (r.status != http.StatusOK || o.text("ok") == "false" || o.errcode() != "") {
		return nil, refusal
	}
	return checked(ctx, json.RawMessage(r.body),
		r.statusOK(),
		replyMediaType.equal(r.mediaType, "application/json"),
		replyJSON.noError(invalid),
	)
}

// parseForm reads a form-encoded reply as an object of strings.
func parseForm(body []byte) (Object, error) {
	form, err := url.ParseQuery(string(body))
	if err := cmp.Or(err, once(form)); err != nil {
		return nil, err
	}
	object := make(Object)
	for name := range form {
		if !utf8.ValidString(form.Get(name)) { // which would become U+FFFD, as in JSON
			return nil, fmt.Errorf("%s is not valid UTF-8", name)
		}
		object[name], _ = json.Marshal(form.Get(name))
	}
	return object, nil
}
