package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What must hold for each reply, in addition to the checks of its step.
var (
	replyStatus    = Check{0, "reply-status-200", "OIDC Discovery §4.2; RFC 6749 §5.1; OIDC Core §5.3.2", "an error page, or a redirect to somebody else's server, read as the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host, read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "two parsers see two tokens, two issuers, two users in one reply"}
)

const formEncoded = "application/x-www-form-urlencoded"

// reply is what came back from a provider, read whole, or the error of a request that failed.
// object, json, credentials and revoked read it. Each returns that error first, so that a step
// can send a request and read the reply in one line.
type reply struct {
	status    int
	mediaType string
	body      []byte
	sent      Request // its secrets are withheld if the provider repeats them
	err       error   // if set, the other fields are empty
}

// statusOK is the check of the status: 200 is the only success.
func (r reply) statusOK() Outcome { return replyStatus.equal(strconv.Itoa(r.status), "200") }

// object reads a reply that must be JSON, under one of these types. It looks for an error before
// it looks at the status, because GitHub reports errors with status 200. If there is an error,
// object returns a *Refusal.
func (r reply) object(ctx context.Context, mediaTypes ...string) (Object, error) {
	if err := r.failure(ctx); err != nil {
		return nil, err
	}
	object, invalid := parseObject(r.body)
	return checked(ctx, object,
		r.statusOK(),
		replyMediaType.oneOf(r.mediaType, mediaTypes...),
		replyJSON.noError(invalid),
	)
}

// json returns the body of an API's reply, an object or not. With status 200, a member
// called error can mean anything. Then the reply is a refusal only if ok or errcode says so (Slack, WeChat).
func (r reply) json(ctx context.Context) (json.RawMessage, error) {
	o, invalid := parseJSON(r.body)
	if err := r.failure(ctx); err != nil && (r.status != http.StatusOK || o.text("ok") == "false" || strings.Trim(o.text("errcode"), "0") != "") {
		return nil, err
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
		if !utf8.ValidString(form.Get(name)) { // json.Marshal would make U+FFFD of it
			return nil, fmt.Errorf("%s is not valid UTF-8", name)
		}
		object[name], _ = json.Marshal(form.Get(name))
	}
	return object, nil
}

// Refusal is a denial by the user or the provider: an answer of the protocol, not a failed
// check. Its texts are the provider's. In step 2 anybody who can write a URL may have written
// them. They have up to 500 bytes each. Show them as quotations.
type Refusal struct {
	Step        int    // 2 in the callback; else the step of the request that was refused
	Status      int    // HTTP status of the reply; 0 in the callback
	Code        string // "access_denied", "invalid_grant", …; or a provider's own number
	Description string // for people; empty if the provider gave none
	URI         string // page about the error; never redirect to it
	Reason      string // Meta's error_reason: "user_denied"
}

// ByUser reports whether the user declined.
func (r *Refusal) ByUser() bool {
	return r.Step == 2 && slices.Contains([]string{"access_denied", "denied", "user_refused", "permission_denied"}, r.Code)
}

// Error is Code and Description, with the step.
func (r *Refusal) Error() string {
	parts := []string{fmt.Sprintf("oauth: step %d, refused", r.Step), r.Code, r.Description}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// of returns a copy of r with the step that ctx is in and this status. The copy must not repeat
// the secrets of the request that was sent.
func (r Refusal) of(ctx context.Context, status int, sent Request) *Refusal {
	r.Step, r.Status = stepOf(ctx), status
	for _, text := range []*string{&r.Code, &r.Description, &r.URI, &r.Reason} {
		*text = clip(sent.scrub(*text))
	}
	return &r
}

// failure returns the error of a request that failed, or a *Refusal with the reason in a reply
// that refuses: RFC 6749 §5.2, or one of the shapes that providers use instead. It returns nil
// if there is no reason. If the member error is not empty, the reply refuses, whatever its
// status and its other members.
func (r reply) failure(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	o, invalid := parseObject(r.body)
	if invalid != nil {
		o, _ = parseForm(r.body) // of any media type; empty if it is no form
	}
	code := cmp.Or(o.text("error"), o.text("oauth_problem"), strings.Trim(o.text("errcode"), "0")) // WeChat's errcode 0 is no error
	if r.status == http.StatusOK && code == "" {
		return nil
	}
	var inner Object // if error is an object
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
		Code: cmp.Or(code, o.text("code"), o.text("title"), o.text("status")), // title, detail: RFC 9457 §3.1
		// Instagram's token endpoint says error_message, and APIs say message.
		Description: cmp.Or(o.text("error_description"), o.text("oauth_problem_advice"), o.text("error_message"), o.text("message"), o.text("detail"), o.text("errmsg")),
		URI:         o.text("error_uri"),
	}
	// A reason in words. A page is not, and a token in a form or JSON must not get into an error.
	text := strings.TrimSpace(string(r.body))
	if r.status/100 == 4 && strings.HasPrefix(r.mediaType, "text/") && !strings.ContainsAny(text, "<{[=") {
		refusal.Description = text
	}
	if refusal.Code == "" && refusal.Description == "" {
		return nil
	}
	return refusal.of(ctx, r.status, r.sent)
}

// secretParameter finds the secrets in a query, a form, GitHub's JSON and the header of
// OAuth 1.0a (RFC 5849 §3.5.1): the value of a name that ends in one of these words.
var secretParameter = regexp.MustCompile(`(?:secret|code|verifier|token|proof|signature)"?[=:] ?"?([^&"]+)`)

// scrub withholds a text of the provider if it repeats a secret of the request. It withholds
// all of the text. If it cut out only the code, a visitor could choose a code that is a part
// of another secret, and the rest of that secret would stay.
func (r Request) scrub(text string) string {
	authorization := r.Header.Get("Authorization")
	_, credentials, _ := strings.Cut(authorization, " ")
	_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
	sent := strings.Join([]string{r.URL, r.Body, authorization, "token=" + credentials, "secret=" + password}, "&")
	for _, found := range secretParameter.FindAllStringSubmatch(sent, -1) {
		decoded, _ := url.QueryUnescape(found[1])
		if strings.Contains(text, found[1]) || strings.Contains(text, cmp.Or(decoded, found[1])) {
			return "‹withheld: it repeats a secret›"
		}
	}
	return text
}
