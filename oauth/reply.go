package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What must hold for each reply, beside what its step asks of it.
var (
	replyStatus    = Check{0, "reply-status-200", "RFC 6749 §5.1; OIDC Core §5.3.2", "an error page, or a redirect to somebody else's server, read as the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "two parsers see two tokens, two issuers, two users in one reply"}
)

const formEncoded = "application/x-www-form-urlencoded"

// reply is what came back from a provider, read whole.
type reply struct {
	status    int
	mediaType string
	body      []byte
	sent      Request // whose secrets are not shown where a provider repeats them
}

// statusOK is the check of the status: 200 is the only success.
func (r reply) statusOK() outcome {
	return replyStatus.equal(strconv.Itoa(r.status), "200")
}

// object reads a reply by the type that it declares, which must be one of these, and
// judges it by its error, its status and its members, in this order: GitHub reports
// errors with status 200. A reply that says why it refuses is a *Refusal.
func (r reply) object(ctx context.Context, mediaTypes ...string) (Object, error) {
	if refusal := r.refusal(ctx); refusal != nil {
		return nil, refusal
	}
	object, invalid := r.parse()
	if err := check(ctx,
		r.statusOK(),
		replyMediaType.oneOf(r.mediaType, mediaTypes...),
		replyJSON.noError(invalid),
	); err != nil {
		return nil, err
	}
	return object, nil
}

// json returns the body of an API's reply, an object or not. What error means in one
// with status 200 only that API knows.
func (r reply) json(ctx context.Context) (json.RawMessage, error) {
	if r.status != http.StatusOK {
		if refusal := r.refusal(ctx); refusal != nil {
			return nil, refusal
		}
	}
	_, invalid := parseJSON(r.body)
	if err := check(ctx,
		r.statusOK(),
		replyMediaType.equal(r.mediaType, "application/json"),
		replyJSON.noError(invalid),
	); err != nil {
		return nil, err
	}
	return r.body, nil
}

// parse reads the body by the type that it declares.
func (r reply) parse() (Object, error) {
	if r.mediaType == formEncoded {
		return parseForm(r.body)
	}
	return parseObject(r.body)
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

// refusal finds the reason in a reply that refuses: RFC 6749 §5.2, or one of the
// shapes that providers use instead. It returns nil where there is none. An error
// that says anything counts whatever the status is, and whatever stands beside it.
func (r reply) refusal(ctx context.Context) *Refusal {
	o, _ := r.parse()
	code := o.text("error")
	if r.status == http.StatusOK && code == "" {
		return nil
	}
	var inner Object // where error is no word
	o.Read("error", &inner)
	var several []Object
	o.Read("errors", &several)
	switch {
	case inner != nil: // Meta and Spotify's API: {"error": {"message": …, "code": …}}
		o, code = inner, cmp.Or(inner.text("code"), inner.text("status"), code)
	case len(several) > 0 && !o.has("message"): // X: {"errors": [{"message": …, "code": …}]}
		o = several[0]
	}
	refusal := Refusal{
		Step:   stepOf(ctx),
		Status: r.status,
		Code:   cmp.Or(code, o.text("code"), o.text("status")),
		// Instagram's token endpoint says error_message, and APIs say message.
		Description: cmp.Or(o.text("error_description"), o.text("error_message"), o.text("message")),
		URI:         o.text("error_uri"),
	}
	if refusal.Code == "" && refusal.Description == "" {
		return nil
	}
	for _, text := range []*string{&refusal.Code, &refusal.Description, &refusal.URI} {
		*text = clip(r.sent.scrub(*text))
	}
	return &refusal
}

// secretParameter finds the secrets in a query, a form, GitHub's JSON and the header of
// OAuth 1.0a (RFC 5849 §3.5.1): what stands behind a name that ends in one of these words.
var secretParameter = regexp.MustCompile(`(?:secret|code|verifier|token|proof|signature)"?[=:] ?"?([^&"]+)`)

// scrub withholds a text of a provider's that repeats what nobody else may read of the
// request. Not only that part of it: the visitor chooses the code, and could with it
// break another secret in two and see the rest.
func (r Request) scrub(text string) string {
	authorization := r.Header.Get("Authorization")
	var secrets []string
	for _, found := range secretParameter.FindAllStringSubmatch(r.URL+"&"+r.Body+"&"+authorization, -1) {
		secrets = append(secrets, found[1])
	}
	_, credentials, _ := strings.Cut(authorization, " ")
	_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
	for _, secret := range append(secrets, credentials, password) {
		decoded, _ := url.QueryUnescape(secret)
		for _, secret := range []string{secret, decoded} {
			if secret != "" && strings.Contains(text, secret) {
				return "‹withheld: it repeats a secret›"
			}
		}
	}
	return text
}
