package oauth

import (
	"encoding/json"
)

// About is what people need to know of a provider, above all those who register an
// app there.
type About struct {
	Name  string // in routes, cookies and variables: "google"; no two of an app share one
	Title string // "Google"
	// AccountKey is what keys of accounts call this provider, if not its Name: two rows of
	// one provider, for two protocols, share it.
	AccountKey string

	Console       string   // where an app is registered: a URL, or words if there is none
	CallbackHosts []string // hosts for which it takes a callback URL with plain http
	Notes         string   // what is special about registering there
	Sources       []string // URLs of what the whole row was made from
	Checked       string   // the day on which they were read: "2026-11-20"
}

// Provider is what a client must know of one provider: a row of data. The rows of
// this project are in package providers; the methods of [Client] ask the row, and
// no code anywhere asks for a provider's name.
type Provider struct {
	About

	// Issuer is the provider's identifier. With OpenID Connect its metadata is
	// fetched from there and the ID token must name it; without, it is only the
	// iss of the callback (RFC 9207). Empty if none is known.
	Issuer string
	// IssuerAliases are other spellings of it that the provider's ID tokens may carry.
	IssuerAliases []string
	// OpenID says that the provider speaks OpenID Connect: step 0 discovers its
	// endpoints, step 4 demands an ID token.
	OpenID bool
	// Metadata holds the endpoints of a provider without discovery.
	Metadata Metadata

	Scopes         []string // what a sign-in asks for, and no more
	ScopeSeparator string   // " " when empty (RFC 6749 §3.3)
	// AuthorizationParams are added to the authorization URL. They cannot replace the
	// protocol's own parameters.
	AuthorizationParams map[string]string
	// WithoutPKCE says why this provider gets no PKCE, with source and date, and what
	// protects the code instead. If it is empty, PKCE is sent.
	WithoutPKCE string
	// ClientAuth is client_secret_basic or client_secret_post; when empty the
	// metadata decides.
	ClientAuth string
	// FormReplies says that the token endpoint may answer form-encoded.
	FormReplies bool
	// GrantedScopes names the callback's parameter with the granted scopes, for a provider
	// whose token reply does not have them.
	GrantedScopes string
	// TokenReply, if set, brings a token reply of the provider's own shape into the one of
	// RFC 6749 §5.1. If the reply refuses in a shape of the provider's own, with status 200,
	// TokenReply returns a *Refusal with its Code and Description. So may Profile.
	TokenReply func(Object) (Object, error)

	// InvalidGrant are the provider's own words for invalid_grant, at a refresh (RFC 6749
	// §5.2), and for invalid_token, at its API (RFC 6750 §3.1).
	InvalidGrant []string
	// RevokeRequest, if set, is step 7 in the provider's own way, instead of the metadata's
	// revocation endpoint.
	RevokeRequest func(clientID, clientSecret string, t Tokens) Request
	// RevokePage is where users take access back themselves, at a provider that has
	// no way for apps.
	RevokePage string

	// ProfileURLs are read in step 5. When empty, it is the metadata's userinfo
	// endpoint.
	ProfileURLs []ProfileURL
	// APIRequest, if set, adds to each API request what the provider wants in addition to
	// the token in its header.
	APIRequest func(r *Request, clientSecret, accessToken string)
	// Profile maps what the provider said about the user to a profile. It returns an error
	// if a member has another type than documented. (For the standard claims of OpenID
	// Connect take the row of providers.OpenID.)
	Profile func(Replies) (Profile, error)
}

// ProfileURL is an API request of step 5.
type ProfileURL struct {
	URL   string
	Scope string // asked only if this scope was granted; always when empty
}

// Replies are what a row's Profile function maps.
type Replies struct {
	Token   Object            // the token reply; with OAuth 1.0a only
	IDToken Object            // the verified claims; nil without OpenID Connect. Name and address may be in API only
	API     []json.RawMessage // of ProfileURLs in their order, nil if not asked; or of the userinfo endpoint
}

// Profile is who signed in, in the same words for all providers. All but Subject may
// be empty: the provider does not know it, or the user did not share it.
type Profile struct {
	// Subject is the provider's permanent name for the user, never given to
	// another one. Together with the provider it is the key of an account; an
	// e-mail address is not (OIDC Core §5.7).
	Subject       string
	Name          string
	Email         string
	EmailVerified bool   // the provider says that it checked the address
	Picture       string // its URL
}
