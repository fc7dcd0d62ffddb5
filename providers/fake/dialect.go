package fake

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dialect is what one provider does in its own way.
type dialect struct {
	name, title string
	issuer      string  // the iss of callbacks (RFC 9207) and of ID tokens; "" sends no iss
	openID      bool    // gives ID tokens
	scopes      []scope // that it knows
	commas      bool    // scopes may be separated by commas instead of spaces
	basic, body bool    // how a client may authenticate (RFC 6749 §2.3.1)

	// A provider without PKCE drops the challenge. Then it refuses a verifier (RFC 9700 §2.1.1), or drops that also.
	dropsChallenge, dropsVerifier bool

	// The callback.
	refusal  url.Values                                       // the parameters after "Refuse"
	callback func(params, asked url.Values, granted []string) // adds parameters to those of a callback with a code
	fragment string                                           // at the end of the callback, with its "#"; no server sees it

	// Codes and tokens.
	codeLife     time.Duration
	accessLife   time.Duration
	refreshes    func(asked url.Values, granted []string) bool // nil never gives a refresh token
	keepsRefresh bool                                          // a refresh token is used again and again, not rotated
	refreshEnds  bool                                          // a refresh token's life is counted from the user's answer: refreshing does not extend it

	// What is sent.
	tokenReply    func(reply object, t tokens) // changes the members of the token reply
	tokenFailure  func(f *failure) (status int, body object)
	formReplies   bool // replies and errors are form-encoded unless the app asks for JSON
	apiFailure    func(status int, f *failure) object
	needsAppProof bool // API calls carry appsecret_proof
}

// scope is one thing that an app may ask for.
type scope struct {
	Name   string
	Long   string // the name in replies, if it is another
	Says   string // what it allows, as the consent page says it
	Needed bool   // must be asked for
	Always bool   // cannot be unticked
}

// known finds a scope by either of its names. name is not empty.
func (d *dialect) known(name string) (scope, bool) {
	for _, s := range d.scopes {
		if name == s.Name || name == s.Long {
			return s, true
		}
	}
	return scope{}, false
}

// split splits the scope parameter: at spaces (RFC 6749 §3.3), and for Meta also at commas.
func (d *dialect) split(scopes string) []string {
	return strings.FieldsFunc(scopes, func(c rune) bool { return c == ' ' || d.commas && c == ',' })
}

// longNames are scopes as replies name them.
func (d *dialect) longNames(names []string) []string {
	var long []string
	for _, name := range names {
		if s, _ := d.known(name); s.Long != "" {
			name = s.Long
		}
		long = append(long, name)
	}
	return long
}

const sixMonths = 15897600 * time.Second // GitHub's refresh_token_expires_in: 184 days

func dialects() map[string]*dialect {
	rows := map[string]*dialect{}
	for _, d := range []*dialect{
		google(), github(), facebook(), instagram(), spotify(), x2(), x(), openIDProvider("https://openid.example"),
	} {
		rows[d.name] = d
	}
	return rows
}

// openIDProvider is a provider that follows the specifications. The other OAuth 2.0 providers begin with it, and change what they do differently.
func openIDProvider(issuer string) *dialect {
	return &dialect{
		name: "oidc", title: "OpenID Example", issuer: issuer, openID: true,
		scopes: []scope{
			{Name: "openid", Says: "know that it is you, by a number that stays the same", Needed: true, Always: true},
			{Name: "profile", Says: "see your name and picture"},
			{Name: "email", Says: "see your e-mail address, and whether it was verified"},
			{Name: "offline_access", Says: "keep access while you are away"},
		},
		basic: true, body: true,
		codeLife:   time.Minute, // RFC 6749 §4.1.2: at most ten minutes; a callback takes one second
		accessLife: time.Hour,
		refreshes:  func(_ url.Values, granted []string) bool { return slices.Contains(granted, "offline_access") }, // OIDC Core §11
		refusal:    url.Values{"error": {"access_denied"}, "error_description": {"The user refused."}},
		callback:   func(_, _ url.Values, _ []string) {},
		tokenReply: func(object, tokens) {},
		tokenFailure: func(f *failure) (int, object) {
			status := 400
			if f.code == "invalid_client" {
				status = 401 // RFC 6749 §5.2
			}
			return status, object{"error": f.code, "error_description": f.description}
		},
		apiFailure: func(_ int, f *failure) object {
			return object{"error": f.code, "error_description": f.description}
		},
	}
}

func google() *dialect {
	d := openIDProvider("https://accounts.google.com")
	d.name, d.title = "google", "Google"
	d.scopes = d.scopes[:3]
	d.scopes[0].Needed = false // without it Google speaks OAuth 2.0
	// Google asks for these on one page, as a whole: none can be unticked alone.
	d.scopes[1].Always, d.scopes[2].Always = true, true
	d.scopes[1].Long = "https://www.googleapis.com/auth/userinfo.profile"
	d.scopes[2].Long = "https://www.googleapis.com/auth/userinfo.email"
	d.accessLife = 3599 * time.Second
	d.refreshes = func(asked url.Values, _ []string) bool { return asked.Get("access_type") == "offline" }
	d.keepsRefresh = true
	d.refusal = url.Values{"error": {"access_denied"}}
	d.callback = func(params, _ url.Values, granted []string) {
		params.Set("scope", strings.Join(d.longNames(granted), " "))
		params.Set("authuser", "0")
		params.Set("prompt", "consent")
	}
	return d
}

func github() *dialect {
	const docs = "https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/"
	d := openIDProvider("https://github.com/login/oauth")
	d.name, d.title, d.openID = "github", "GitHub", false
	d.scopes = []scope{
		{Name: "user:email", Says: "see your e-mail addresses, also the private ones"},
		{Name: "read:user", Says: "read all of your profile"},
	}
	d.accessLife = 28800 * time.Second
	d.refreshes = func(url.Values, []string) bool { return true } // the default of apps made since 2026-08-14
	d.refusal = url.Values{
		"error": {"access_denied"}, "error_description": {"The user has denied your application access."},
		"error_uri": {docs + "troubleshooting-authorization-request-errors/#access-denied"},
	}
	d.formReplies = true
	d.tokenReply = func(reply object, t tokens) {
		reply["token_type"] = "bearer"
		reply["scope"] = strings.Join(t.scopes, ",")
		reply["refresh_token_expires_in"] = int(sixMonths.Seconds())
	}
	// GitHub's errors come with status 200, and three have names that only GitHub uses.
	d.tokenFailure = func(f *failure) (int, object) {
		code := f.code
		switch {
		case f == badClient:
			code = "incorrect_client_credentials"
		case f == badRefresh:
			code = "bad_refresh_token"
		case code == "invalid_grant":
			code = "bad_verification_code"
		}
		return 200, object{"error": code, "error_description": f.description,
			"error_uri": docs + "troubleshooting-oauth-app-access-token-request-errors/"}
	}
	d.apiFailure = func(status int, f *failure) object {
		return object{"message": f.description, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}
	}
	return d
}

func spotify() *dialect {
	d := openIDProvider("")
	d.name, d.title, d.openID = "spotify", "Spotify", false
	d.scopes = []scope{
		{Name: "user-read-email", Says: "see your e-mail address"},
		{Name: "user-read-private", Says: "see your account type"},
	}
	d.body = false
	d.refreshes = func(url.Values, []string) bool { return true }
	d.refreshEnds = true
	d.refusal = url.Values{"error": {"access_denied"}}
	d.apiFailure = func(status int, f *failure) object {
		return object{"error": object{"status": status, "message": f.description}}
	}
	return d
}
