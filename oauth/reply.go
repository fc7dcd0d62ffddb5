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

// What must hold for most replies, in addition to the checks of their step.
var (
	replyStatus    = Check{0, "reply-status-200", "OIDC Discovery §4.2; RFC 6749 §5.1; OIDC Core §5.3.2", "an error page or a redirect, read as if it were the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host, read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "a reply in which two parsers see different tokens, issuers or users"}
)

const formEncoded = "application/x-www-form-urlencoded"

// reply is the whole reply of a provider, or the error of a request that failed. The methods
// object, json, credentials and checkRevoked read it. If err is set, they return it, so that a step can
// send a request and read the reply in one line.
type reply struct {
	status    int
	mediaType string
	body      []byte
	sent      Request // its secrets must not get into an error
	err       error   // if set, the other fields are empty
}

// statusOK is the check that the status is 200.
func (r reply) statusOK() Outcome { return replyStatus.equal(strconv.Itoa(r.status), "200") }

// object reads a reply that must be a JSON object, with one of these media types. If the reply
// reports an error, object returns a *Refusal, even if the status is 200, as GitHub sends it.
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

// json returns the body of an API's reply, which may be any JSON value. With status 200 a member
// called error can mean anything. So such a reply is a refusal only if ok is false (Slack) or
// errcode is not 0 (WeChat).
func (r reply) json(ctx context.Context) (json.RawMessage, error) {
	o, invalid := parseJSON(r.body)
	if err := r.failure(ctx); err != nil && (r.status != http.StatusOK || o.text("ok") == "false" || strings.TrimLeft(o.text("errcode"), "0") != "") {
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
	if err := cmp.Or(err, noRepeats(form)); err != nil {
		return nil, err
	}
	object := make(Object)
	for name := range form {
		if !utf8.ValidString(form.Get(name)) { // json.Marshal would write U+FFFD instead
			return nil, fmt.Errorf("%s is not valid UTF-8", name)
		}
		object[name], _ = json.Marshal(form.Get(name))
	}
	return object, nil
}

// Refusal is a denial by the user or the provider. It is an answer that the protocol allows, not a
// failed check. Its texts come from the provider, but in step 2 they came in the URL, which
// a browser can change. So show them as quotations. Each has about 500 bytes at most.
type Refusal struct {
	Step        int    // 2 if the callback brought it; else the step of the refused request
	Status      int    // HTTP status of the reply; 0 in step 2
	Code        string // "access_denied", "invalid_grant", …; or a provider's own number
	Description string // for people; empty if the provider gave none
	URI         string // a page about the error; never redirect to it
	Reason      string // Meta's error_reason: "user_denied"
}

// ByUser reports whether the user declined.
func (r *Refusal) ByUser() bool {
	return r.Step == 2 && slices.Contains([]string{"access_denied", "denied", "user_refused", "permission_denied"}, r.Code)
}

// Error returns the step, Code and Description.
func (r *Refusal) Error() string {
	parts := []string{fmt.Sprintf("oauth: step %d, refused", r.Step), r.Code, r.Description}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// completed returns a copy of r with the step that ctx is in, and with this status. In the copy, a text
// that repeats a secret of the sent request is withheld.
func (r Refusal) completed(ctx context.Context, status int, sent Request) *Refusal {
	r.Step, r.Status = stepOf(ctx), status
	for _, text := range []*string{&r.Code, &r.Description, &r.URI, &r.Reason} {
		*text = clip(sent.scrub(*text))
	}
	return &r
}

// failure returns r.err if the request failed. If the reply gives a reason for a denial, failure
// returns a *Refusal with this reason. The reply may have the shape of RFC 6749 §5.2 or another one
// that providers use. If there is no reason, failure returns nil. With status 200, only error,
// oauth_problem and errcode count as a reason.
func (r reply) failure(ctx context.Context) error {
	if r.err != nil {
		return r.err
	}
	o, invalid := parseObject(r.body)
	text := strings.TrimSpace(string(r.body))
	if invalid != nil && !strings.ContainsAny(text, "< \n") { // HTML or prose is no form, even with "=" in it
		o, _ = parseForm([]byte(text)) // whatever the media type; empty if it is not a form
	}
	code := cmp.Or(o.text("error"), o.text("oauth_problem"), strings.TrimLeft(o.text("errcode"), "0")) // WeChat's errcode 0 means success
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
		// Instagram's token endpoint sends error_message, and APIs send message.
		Description: cmp.Or(o.text("error_description"), o.text("oauth_problem_advice"), o.text("error_message"), o.text("message"), o.text("detail"), o.text("errmsg")),
		URI:         o.text("error_uri"),
	}
	// A plain text gives the reason in words. HTML does not. A form or JSON may hold a token,
	// which must not get into an error.
	if r.status/100 == 4 && strings.HasPrefix(r.mediaType, "text/") && !strings.ContainsAny(text, "<{[=") {
		refusal.Description = text
	}
	if refusal.Code == "" && refusal.Description == "" {
		return nil
	}
	return refusal.completed(ctx, r.status, r.sent)
}

// secretParameter finds each value whose name ends in one of these words: in a query, in a form,
// in the JSON that GitHub wants in step 7, and in the header of OAuth 1.0a (RFC 5849 §3.5.1).
var secretParameter = regexp.MustCompile(`(?:secret|code|verifier|token|proof|signature)"?[=:] ?"?([^&"]+)`)

// scrub returns text, or a note in its place if text repeats a secret of the request. The note
// replaces the whole text, because a short secret may be part of a longer one: to cut out the short
// one would leave the rest of the longer one.
func (r Request) scrub(text string) string {
	authorization := r.Header.Get("Authorization")
	_, credentials, _ := strings.Cut(authorization, " ")
	_, password, _ := (&http.Request{Header: r.Header}).BasicAuth()
	sent := strings.Join([]string{r.URL, r.Body, authorization, "token=" + url.QueryEscape(credentials), "secret=" + password, "secret=" + url.QueryEscape(password)}, "&")
	for _, found := range secretParameter.FindAllStringSubmatch(sent, -1) {
		decoded, _ := url.QueryUnescape(found[1])
		if strings.Contains(text, found[1]) || strings.Contains(text, cmp.Or(decoded, found[1])) {
			return "‹withheld: it repeats a secret›"
		}
	}
	return text
}
