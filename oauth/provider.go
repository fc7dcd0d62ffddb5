package oauth

import (
	"encoding/json"
)

// About is what people need to know about a provider, especially to register an app there.
type About struct {
	Name  string // in routes, cookies and variables: "google"; unique in an app
	Title string // "Google"
	// AccountKey, if set, is used instead of Name in the keys of accounts. A provider with two
	// entries, one for each protocol, has the same AccountKey in both.
	AccountKey string

	Console       string   // the page that registers apps: a URL, or words if there is none
	CallbackHosts []string // hosts whose callback URLs may be plain http
	Notes         string   // what is special about registering there
	Sources       []string // URLs of the documents from which the entry was made
	Checked       string   // the day on which they were read: "2026-11-20"
}

// Provider is what a client must know of one provider, as data. This project's providers are
// in package providers. The methods of [Client] use these fields, and no code depends on a
// provider's name.
type Provider struct {
	About

	// Issuer is the provider's identifier, empty if not known. With OpenID Connect,
	// step 0 reads the metadata there, and the ID token must name it. Without OpenID Connect,
	// only the callback's iss may name it (RFC 9207).
	Issuer string
	// IssuerAliases are other spellings of Issuer that the ID tokens may carry.
	IssuerAliases []string
	// OpenID says that the provider speaks OpenID Connect: step 0 discovers its
	// endpoints, step 4 demands an ID token.
	OpenID bool
	// Metadata holds the endpoints of a provider without discovery.
	Metadata Metadata

	Scopes         []string // what a sign-in asks for, and no more
	ScopeSeparator string   // if empty, " " (RFC 6749 §3.3)
	// AuthorizationParams are added to the authorization URL. They cannot replace the
	// protocol's own parameters.
	AuthorizationParams map[string]string
	// WithoutPKCE says why this provider gets no PKCE, with source and date, and what
	// protects the code instead. If it is empty, PKCE is sent.
	WithoutPKCE string
	// ClientAuth is client_secret_basic or client_secret_post. If it is empty, the metadata
	// decide.
	ClientAuth string
	// GrantedScopes names the callback's parameter with the granted scopes, for a provider
	// whose token reply does not have them.
	GrantedScopes string
	// TokenReply, if set, turns a token reply of the provider's own shape into that of RFC
	// 6749 §5.1. If the reply is a refusal of such a shape, with status 200, TokenReply returns
	// a *Refusal with Code and Description. Profile may do the same.
	TokenReply func(Object) (Object, error)

	// InvalidGrant are the provider's own words for invalid_grant, at a refresh (RFC 6749
	// §5.2), and for invalid_token, at its API (RFC 6750 §3.1).
	InvalidGrant []string
	// RevokeRequest, if set, is step 7 in the provider's own way, instead of the metadata's
	// revocation endpoint.
	RevokeRequest func(clientID, clientSecret string, t Tokens) Request
	// RevokePage is the page on which users take access back themselves, at a provider that has
	// no way for apps.
	RevokePage string

	// ProfileURLs are read in step 5. If there are none, step 5 reads the metadata's userinfo
	// endpoint.
	ProfileURLs []ProfileURL
	// APIRequest, if set, adds to each API request what the provider wants in addition to the
	// token in the header.
	APIRequest func(r *Request, clientSecret, accessToken string)
	// Profile maps what the provider said about the user to a profile. It returns an error
	// if a member is not of the documented type. (For the standard claims of OpenID Connect
	// use the Profile of providers.OpenID.)
	Profile func(Replies) (Profile, error)
}

// ProfileURL is an API request of step 5.
type ProfileURL struct {
	URL   string
	Scope string // if set, the request is sent only if this scope was granted
}

// Replies are the input of a provider's function Profile.
type Replies struct {
	Token   Object            // the token reply; with OAuth 1.0a only
	IDToken Object            // the verified claims; nil without OpenID Connect. Name and e-mail may be in API only
	API     []json.RawMessage // a reply for each of ProfileURLs, nil if not read; or the userinfo reply
}

// Profile is the user who signed in, in the same words for all providers. Every field but
// Subject may be empty, because the provider does not know it or the user did not share it.
type Profile struct {
	// Subject is the provider's permanent id of the user, which no other user ever gets.
	// Together with the provider it is the key of an account. Do not use an e-mail
	// address as the key (OIDC Core §5.7).
	Subject       string
	Name          string
	Email         string
	EmailVerified bool   // the provider says that it checked the address
	Picture       string // its URL
}
