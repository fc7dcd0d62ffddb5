package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Refusal is a denial by the user or the provider: an answer of the protocol, not a failed
// check. Its texts are the provider's, or in step 2 may be anybody's who can write a URL.
// They have up to 500 bytes each. Show them as quotations.
type Refusal struct {
	Step        int    // 2 in the callback; else the step of the request that was refused
	Status      int    // HTTP status of the reply; 0 in the callback
	Code        string // "access_denied", "invalid_grant", …; or a provider's own number
	Description string // for people; empty if the provider gave none
	URI         string // page about the error; not to be followed unseen
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

// refusalIn returns the *Refusal in err, nil if there is none. It is what a function of the
// provider entry found in a reply with status 200.
func refusalIn(ctx context.Context, err error, sent Request) *Refusal {
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		return nil
	}
	return refusal.of(ctx, http.StatusOK, sent)
}

// of returns a copy of r as a refusal of the step that ctx is in, after a request whose
// secrets it must not repeat.
func (r Refusal) of(ctx context.Context, status int, sent Request) *Refusal {
	r.Step, r.Status = stepOf(ctx), status
	for _, text := range []*string{&r.Code, &r.Description, &r.URI, &r.Reason} {
		*text = clip(sent.scrub(*text))
	}
	return &r
}

// refusal finds the reason in a reply that refuses: RFC 6749 §5.2, or one of the
// shapes that providers use instead. It returns nil if there is none. An error
// that says anything counts whatever the status is, and whatever else is in the reply.
func (r reply) refusal(ctx context.Context) *Refusal {
	o, invalid := parseObject(r.body)
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
		Code: cmp.Or(code, o.text("code"), o.text("title"), o.text("status")), // title, detail: RFC 9457 §3.1
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
	return refusal.of(ctx, r.status, r.sent)
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
