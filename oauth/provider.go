package oauth

import (
	"encoding/json"
)

// About says what people need to know about a provider, especially to register an app there.
type About struct {
	Name  string // in routes, attempts and environment variables: "google"; unique in an app
	Title string // "Google"
	// AccountKey, if set, replaces Name in the keys of accounts. If a provider has two entries,
	// one for each protocol, give both the same AccountKey.
	AccountKey string

	Console       string   // the page that registers apps: a URL, or words if there is none
	CallbackHosts []string // hosts for which the provider accepts callback URLs with plain http
	Notes         string   // what is special about registering there
	Sources       []string // URLs of the documents that this entry follows
	Checked       string   // the day on which somebody read Sources: "2026-11-20"
}

// Provider is what a client must know about one provider, as data. This project's providers are
// in package providers. Most differences between providers are fields here: no method
// of [Client] asks which provider it has.
type Provider struct {
	About

	// Issuer is the URL that names the provider; empty if it is not known. With OpenID
	// Connect, step 0 finds the metadata under it, and iss of the ID token must equal it or an
	// alias. With or without OpenID Connect, iss of the callback must equal it, if sent (RFC 9207).
	Issuer string
	// IssuerAliases are other spellings of Issuer that ID tokens of this provider may have.
	IssuerAliases []string
	// OpenID says that the provider speaks OpenID Connect: step 0 discovers its
	// endpoints, step 3 demands an ID token, and step 4 verifies it.
	OpenID bool
	// Metadata holds the endpoints of a provider without OpenID Connect.
	Metadata Metadata

	Scopes         []string // all that a sign-in asks for
	ScopeSeparator string   // if empty, " " (RFC 6749 §3.3)
	// AuthorizationParams are added to the authorization URL. They cannot replace the
	// protocol's own parameters.
	AuthorizationParams map[string]string
	// WithoutPKCE, if set, turns PKCE off. It says why, with source and date, and what
	// protection remains.
	WithoutPKCE string
	// ClientAuth is client_secret_basic or client_secret_post. If it is empty, the metadata
	// decides.
	ClientAuth string
	// GrantedScopesParameter is for a provider whose token reply does not have the granted scopes. It
	// names the parameter of the callback that has them.
	GrantedScopesParameter string
	// TokenReply, if set, turns a token reply of the provider's own shape into one of RFC 6749
	// §5.1. If the provider refuses in its own shape and with status 200, TokenReply returns a
	// *Refusal with Code and Description. The function Profile below may do the same.
	TokenReply func(Object) (Object, error)

	// InvalidGrant are the provider's own error codes that mean invalid_grant in a reply to a
	// refresh (RFC 6749 §5.2), or invalid_token in a reply of its API (RFC 6750 §3.1).
	InvalidGrant []string
	// RevokeRequest, if set, returns the request of step 7, for a provider that does not follow
	// RFC 7009. Otherwise step 7 uses the metadata's revocation endpoint.
	RevokeRequest func(clientID, clientSecret string, t Tokens) Request
	// RevokePage is for a provider at which an app cannot revoke tokens. It is the URL of the
	// provider's page on which users end the app's access themselves.
	RevokePage string

	// ProfileURLs are the URLs that step 5 reads. If there are none, it reads the metadata's
	// userinfo endpoint.
	ProfileURLs []ProfileURL
	// APIRequest, if set, changes each API request for a provider that wants more than the
	// access token in the header.
	APIRequest func(r *Request, clientSecret, accessToken string)
	// Profile makes a profile from the provider's replies about the user. It returns an error if
	// a member is not of the documented type. For the standard claims of OpenID Connect, use the
	// Profile of providers.OpenID.
	Profile func(ProfileInput) (Profile, error)
}

// ProfileURL is an API request of step 5.
type ProfileURL struct {
	URL   string
	Scope string // if set, the request is sent only if this scope was granted
}

// ProfileInput is the input of a provider's function Profile.
type ProfileInput struct {
	Token   Object            // the token reply; only with OAuth 1.0a
	IDToken Object            // its verified claims; nil without OpenID Connect. Name and e-mail may be only in API
	API     []json.RawMessage // for each URL in ProfileURLs (OAuth 1.0a has one) its reply, or nil if it was not read; without URLs, the userinfo reply
}

// Profile says who signed in, in the same form for all providers. Every field except Subject may
// be empty: the provider may not know the value, or the user may not share it.
type Profile struct {
	// Subject is the provider's permanent id of the user, which no other user ever gets.
	// Together with the provider it is the key of an account. Do not use an e-mail
	// address as the key (OIDC Core §5.7).
	Subject       string
	Name          string
	Email         string
	EmailVerified bool   // the provider says that it checked the address
	Picture       string // a URL
}
