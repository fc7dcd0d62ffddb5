package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// What must hold for each reply, beside what its step asks of it.
var (
	replyStatus    = Check{0, "reply-status-200", "RFC 6749 §5.1; OIDC Core §5.3.2", "an error page, or a redirect to somebody else's server, read as the answer"}
	replyMediaType = Check{0, "reply-media-type", "RFC 6749 §5.1; OIDC Discovery §4.2; RFC 7517 §8.5", "a file that a user uploaded to the provider's host read as its answer"}
	replyJSON      = Check{0, "reply-json", "RFC 8259 §4", "two parsers see two tokens, two issuers, two users in one reply"}
)

// reply is what came back from a provider, read whole.
type reply struct {
	status    int
	mediaType string
	body      []byte
	// The request and its body, whose secrets are not shown where a provider repeats them.
	request *http.Request
	sent    string
}

// json returns the body of a reply that is 200, declares itself JSON (or one of
// the media types in also) and is strict JSON. A reply that says why it refuses
// is a *Refusal.
func (r reply) json(ctx context.Context, step int, also ...string) (json.RawMessage, error) {
	_, invalid := parseJSON(r.body)
	if r.status != http.StatusOK && invalid == nil {
		if object, err := parseObject(r.body); err == nil {
			if refusal := r.refusal(step, object); refusal != nil {
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

// refusal finds the reason in a reply that refuses: RFC 6749 §5.2, or one of the
// shapes that providers use instead. It returns nil where there is none. An error
// that says anything counts whatever the status is, and whatever stands beside it.
func (reply reply) refusal(step int, o Object) *Refusal {
	r := &Refusal{Step: step, Status: reply.status}
	raw, inner := o["error"], Object(nil)
	if o.Read("error", &r.Code) != nil && o.Read("error", &inner) != nil {
		r.Code = string(raw)
	}
	switch {
	case inner != nil: // Meta and Spotify's API: {"error": {"message": …, "code": …}}
		o = inner
		o.Read("message", &r.Description)
	case r.Code != "":
		o.Read("error_description", &r.Description)
		o.Read("error_uri", &r.URI)
	case reply.status == http.StatusOK:
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
		if r.Code == "" {
			r.Code = string(o[name])
		}
	}
	if r.Code == "" && r.Description == "" {
		if inner == nil {
			return nil
		}
		r.Code = string(raw)
	}
	sent := secrets(reply.request, reply.sent)
	for _, text := range []*string{&r.Code, &r.Description, &r.URI} {
		*text = clip(scrub(strings.Trim(*text, `"`), sent))
	}
	return r
}

// secrets lists what nobody but the provider may read of a request.
func secrets(r *http.Request, body string) []string {
	var all []string
	form, _ := url.ParseQuery(body)
	for _, parameters := range []url.Values{r.URL.Query(), form} {
		for _, name := range []string{
			"client_secret", "code", "code_verifier", "refresh_token", "token", "access_token",
			"appsecret_proof", "fb_exchange_token",
		} {
			all = append(all, parameters.Get(name))
		}
	}
	if object, err := parseObject([]byte(body)); err == nil { // GitHub's revocation
		var token string
		object.Read("access_token", &token)
		all = append(all, token)
	}
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme == "OAuth" { // RFC 5849 §3.5.1
		for pair := range strings.SplitSeq(credentials, ", ") {
			name, value, _ := strings.Cut(pair, "=")
			if value, err := url.PathUnescape(strings.Trim(value, `"`)); err == nil && (name == "oauth_token" || name == "oauth_verifier" || name == "oauth_signature") {
				all = append(all, value)
			}
		}
	}
	_, password, _ := r.BasicAuth()
	secret, _ := url.QueryUnescape(password)
	return append(all, credentials, password, secret)
}

// scrub takes the secrets out of a text that a provider wrote.
func scrub(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "‹secret›")
		}
	}
	return text
}
