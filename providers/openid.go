package providers

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"

	"example.com/oauthbyhand/oauth"
)

// OpenID returns the entry of any provider that speaks OpenID Connect. The issuer is enough:
// the rest is in the provider's metadata (step 0). The app asks for these scopes besides
// openid, email and profile. Many providers give a refresh token only for offline_access. The
// title of the entry is the issuer's host.
func OpenID(issuer string, scopes ...string) oauth.Provider {
	var params map[string]string
	if slices.Contains(scopes, "offline_access") {
		params = map[string]string{"prompt": "consent"} // otherwise the provider ignores the scope (OIDC Core §11)
	}
	return oauth.Provider{
		About: oauth.About{
			Name:          "oidc",
			Title:         openIDTitle(issuer),
			Console:       "the administration page of your provider",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "OIDC_ISSUER is the issuer exactly as the provider writes it, with or without a slash at its end. " +
				"At Microsoft it contains your tenant's GUID, not “common” or a domain name. " +
				"OIDC_SCOPES adds scopes to openid, email and profile, with spaces between them. Many providers give a refresh token only for offline_access, and then ask the user at each sign-in.",
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

// withOpenID returns openid, email and profile, and then the other scopes, each once.
func withOpenID(scopes []string) []string {
	all := []string{"openid", "email", "profile"}
	for _, scope := range scopes {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// openIDTitle names the provider by its host, which users know. They do not know the protocol.
func openIDTitle(issuer string) string {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return "OpenID provider" // there is no issuer yet
	case u.Host == "openid.example": // the fake provider's
		return "OpenID Example"
	}
	return u.Host
}

// openIDProfile reads the standard claims (OIDC Core §5.1). The ID token comes first, because
// only it is signed. The userinfo reply fills in claims that are missing, and replaces none.
func openIDProfile(r oauth.ProfileInput) (oauth.Profile, error) {
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
		// email_verified is a boolean (OIDC Core §5.1). If it has another type, such as the
		// string "true", the address counts as not verified, and the user can still sign in.
		claims.Read("email_verified", &next.EmailVerified)
		p.Subject, p.Name, p.Picture = cmp.Or(p.Subject, next.Subject), cmp.Or(p.Name, next.Name), cmp.Or(p.Picture, next.Picture)
		if p.Email == "" && next.Email != "" { // email_verified must come from the same source as the address
			p.Email, p.EmailVerified = next.Email, next.EmailVerified
		}
	}
	return p, nil
}
