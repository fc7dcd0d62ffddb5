package providers

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"

	"example.com/oauthbyhand/oauth"
)

// OpenID returns the entry of any provider that speaks OpenID Connect. The issuer is
// enough: the rest is in the provider's metadata (step 0). scopes are asked for in addition
// to openid, email and profile. Many providers give a refresh token only for offline_access.
// The title is the issuer's host, which users know.
func OpenID(issuer string, scopes ...string) oauth.Provider {
	var params map[string]string
	if slices.Contains(scopes, "offline_access") {
		params = map[string]string{"prompt": "consent"} // or the scope is ignored (OIDC Core §11)
	}
	return oauth.Provider{
		About: oauth.About{
			Name:          "oidc",
			Title:         openIDTitle(issuer),
			Console:       "the administration page of your provider",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "OIDC_ISSUER is the issuer exactly as the provider writes it, with or without a slash at its end. " +
				"At Microsoft it has your tenant's GUID: not “common”, and no domain name. " +
				"OIDC_SCOPES adds scopes to openid, email and profile; put spaces between them. Many providers give a refresh token only for offline_access, and then ask the user at each sign-in.",
			Sources: []string{
				"https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims",
				"https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess",
			},
			Checked: "2026-11-29",
		},
		Issuer:              issuer,
		OpenID:              true,
		Scopes:              withOpenID(scopes),
		AuthorizationParams: params,
		Profile:             openIDProfile,
	}
}

// withOpenID returns the scopes of every sign-in, and then the others, each once.
func withOpenID(scopes []string) []string {
	all := []string{"openid", "email", "profile"}
	for _, scope := range scopes {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// openIDTitle names the party that signs the user in. OpenID Connect is only the protocol.
func openIDTitle(issuer string) string {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return "OpenID provider" // not set
	case u.Host == "openid.example": // the simulated one
		return "OpenID Example"
	}
	return u.Host
}

// openIDProfile maps the standard claims (OIDC Core §5.1). The ID token comes first,
// because only it is signed. The userinfo reply completes it and never replaces a claim.
func openIDProfile(r oauth.Replies) (oauth.Profile, error) {
	sources := []oauth.Object{r.IDToken}
	for _, reply := range r.API {
		var userinfo oauth.Object
		if err := json.Unmarshal(reply, &userinfo); err != nil {
			return oauth.Profile{}, err
		}
		sources = append(sources, userinfo)
	}
	var p oauth.Profile
	for _, claims := range sources {
		var next oauth.Profile
		if err := cmp.Or(
			claims.Read("sub", &next.Subject),
			claims.Read("name", &next.Name),
			claims.Read("email", &next.Email),
			claims.Read("picture", &next.Picture),
		); err != nil {
			return oauth.Profile{}, err
		}
		// A boolean (OIDC Core §5.1). Anything else, such as the string "true", does not say
		// that the address was checked, and is no reason to refuse the user.
		claims.Read("email_verified", &next.EmailVerified)
		p.Subject, p.Name, p.Picture = cmp.Or(p.Subject, next.Subject), cmp.Or(p.Name, next.Name), cmp.Or(p.Picture, next.Picture)
		if p.Email == "" && next.Email != "" { // the word for an address comes from the source of the address
			p.Email, p.EmailVerified = next.Email, next.EmailVerified
		}
	}
	return p, nil
}
