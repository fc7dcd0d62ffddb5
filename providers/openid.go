package providers

import (
	"cmp"
	"maps"
	"net/url"
	"slices"

	"example.com/oauthbyhand/oauth"
)

// OpenID returns the row of any provider that speaks OpenID Connect, from its
// issuer alone: the rest is in its metadata (step 0). scopes are asked for besides openid,
// email and profile: offline_access, for one, which many providers want for a refresh
// token (OIDC Core §11). Its title is the issuer's host, as a user knows it.
func OpenID(issuer string, scopes ...string) oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "oidc",
			Title:         openIDTitle(issuer),
			Console:       "the administration page of your provider",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "OIDC_ISSUER is the issuer to the letter, a last slash included. " +
				"At Microsoft it has your tenant's GUID: not “common”, and no domain name. " +
				"OIDC_SCOPES, with spaces between, are scopes to ask for besides openid, email and profile; with offline_access many providers give a refresh token.",
			Sources: []string{
				"https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims",
				"https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess",
			},
			Checked: "2026-11-29",
		},
		Issuer:  issuer,
		OpenID:  true,
		Scopes:  withOpenID(scopes),
		Profile: openIDProfile,
	}
}

// withOpenID returns the scopes of every sign-in, and then the others.
func withOpenID(scopes []string) []string {
	all := []string{"openid", "email", "profile"}
	for _, scope := range scopes {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// openIDTitle names the party that signs the user in. OpenID Connect is a protocol.
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

// openIDProfile maps the standard claims (OIDC Core §5.1) of the ID token and of
// the userinfo reply, which completes them but never replaces one: only the ID
// token is signed. The address and whether it is verified are one claim in this:
// both come from where the address comes from.
func openIDProfile(r oauth.Replies) (oauth.Profile, error) {
	claims := oauth.Object{}
	for _, reply := range r.API {
		userinfo, err := object(reply)
		if err != nil {
			return oauth.Profile{}, err
		}
		maps.Copy(claims, userinfo)
	}
	source := r.IDToken
	if source["email"] == nil { // the reply's address, and the reply's word for it
		source = maps.Clone(claims)
	}
	verified := source["email_verified"]
	maps.Copy(claims, r.IDToken)
	claims["email_verified"] = verified

	var p oauth.Profile
	err := cmp.Or(
		claims.Read("sub", &p.Subject),
		claims.Read("name", &p.Name),
		claims.Read("email", &p.Email),
		claims.Read("picture", &p.Picture),
	)
	// A boolean (OIDC Core §5.1). Anything else, the string "true" too, is no
	// promise that anybody checked the address, and no reason to refuse the user.
	claims.Read("email_verified", &p.EmailVerified)
	return p, err
}
