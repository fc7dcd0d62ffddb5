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
func (r reply) statusOK() outcome {
	return replyStatus.equal(strconv.Itoa(r.status), "200").failing(r.failure(), "200")
}

// failure is the status, and what a server that is down says of it in words.
func (r reply) failure() string {
	if text := r.prose(); r.status >= 500 && text != "" {
		return fmt.Sprintf("%d: %s", r.status, r.sent.scrub(text))
	}
	return strconv.Itoa(r.status)
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
// with status 200 only that API knows, unless ok or errcode says it.
func (r reply) json(ctx context.Context) (json.RawMessage, error) {
	o, invalid := parseJSON(r.body)
	if refusal := r.refusal(ctx); refusal != nil && (r.status != http.StatusOK || o.text("ok") == "false" || o.errcode() != "") {
		return nil, refusal
	}
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
// shapes that providers use instead. It returns nil if there is none. An error
// that says anything counts whatever the status is, and whatever else is in the reply.
func (r reply) refusal(ctx context.Context) *Refusal {
	o, invalid := r.parse()
	if form, _ := parseForm(r.body); invalid != nil && form.has("oauth_problem") { // OAuth 1.0a, of whatever type
		o, invalid = form, nil
	}
	code := cmp.Or(o.text("error"), o.text("oauth_problem"), o.errcode())
	if r.status == http.StatusOK && code == "" {
		return nil
	}
	var inner Object // if error is no word
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
		Status: r.status,
		Code:   cmp.Or(code, o.text("code"), o.text("title"), o.text("status")), // title, detail: RFC 9457 §3.1
		// Instagram's token endpoint says error_message, and APIs say message.
		Description: cmp.Or(o.text("error_description"), o.text("oauth_problem_advice"), o.text("error_message"), o.text("message"), o.text("detail"), o.text("errmsg")),
		URI:         o.text("error_uri"),
	}
	if invalid != nil && r.status/100 == 4 {
		refusal.Description = r.prose()
	}
	if refusal.Code == "" && refusal.Description == "" {
		return nil
	}
	return refusal.of(ctx, r.sent)
}

// errcode is WeChat's error; 0 is none.
func (o Object) errcode() string {
	if code := o.text("errcode"); code != "0" {
		return code
	}
	return ""
}

// prose returns a body that gives a reason in words. A page does not, and what may be a
// token in a form or in JSON must not get into an error.
func (r reply) prose() string {
	text := strings.TrimSpace(string(r.body))
	if !strings.HasPrefix(r.mediaType, "text/") || strings.ContainsAny(text, "<{[=") {
		return ""
	}
	return text
}

// secretParameter finds the secrets in a query, a form, GitHub's JSON and the header of
// OAuth 1.0a (RFC 5849 §3.5.1): the value of a name that ends in one of these words.
var secretParameter = regexp.MustCompile(`(?:secret|code|verifier|token|proof|signature)"?[=:] ?"?([^&"]+)`)

// scrub withholds a text of the provider if it repeats a secret of the request. It withholds
// all of the text: the visitor chooses the code, and a code that is a part of another
// secret would leave the rest of that one readable.
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
