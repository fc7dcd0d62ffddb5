package providers

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"

	"example.com/oauthbyhand/oauth"
)

// GitHub speaks OAuth 2.0 and issues no ID tokens to apps. E-mail addresses come from an
// endpoint of their own.
func GitHub() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "github",
			Title:         "GitHub",
			Console:       "https://github.com/settings/applications/new",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "Register an OAuth app. If yours is older than August 2026, switch off “wildcard” for its callback URL. " +
				"The tokens of new apps expire after 8 hours and come with a refresh token.",
			Sources: []string{
				"https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
				"https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication",
				"https://docs.github.com/en/rest/users/emails",
				"https://docs.github.com/en/rest/apps/oauth-applications",
				"https://github.com/orgs/community/discussions/24745", // the error bad_refresh_token
			},
			Checked: "2026-11-20",
		},
		// The iss that callbacks carry since 2026. GitHub has no metadata at this issuer.
		Issuer: "https://github.com/login/oauth",
		Metadata: oauth.Metadata{
			AuthorizationEndpoint: "https://github.com/login/oauth/authorize",
			TokenEndpoint:         "https://github.com/login/oauth/access_token",
		},
		Scopes:        []string{"user:email"}, // id, name and picture need no scope
		ClientAuth:    "client_secret_post",
		InvalidGrant:  []string{"bad_refresh_token"},
		RevokeRequest: githubRevoke,
		ProfileURLs: []oauth.ProfileURL{
			{URL: "https://api.github.com/user"},
			{URL: "https://api.github.com/user/emails", Scope: "user:email"},
		},
		APIRequest: githubAPI,
		Profile:    githubProfile,
	}
}

// githubAPI asks for one version of the API. Without this header GitHub uses an old one.
func githubAPI(r *oauth.Request, _, _ string) {
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("X-GitHub-Api-Version", "2026-03-10")
}

// githubRevoke revokes all that the user granted to the app, not only this token.
func githubRevoke(clientID, clientSecret string, t oauth.Tokens) oauth.Request {
	request := http.Request{Header: http.Header{"Content-Type": {"application/json"}}}
	request.SetBasicAuth(clientID, clientSecret)
	body, _ := json.Marshal(map[string]string{"access_token": t.AccessToken})
	return oauth.Request{
		Method: http.MethodDelete,
		URL:    "https://api.github.com/applications/" + url.PathEscape(clientID) + "/grant",
		Header: request.Header,
		Body:   string(body),
	}
}

// githubProfile takes the number id as subject. The login is no key: its owner can change it,
// and somebody else can take it then. The address is the primary one, if it is verified.
func githubProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	var id json.Number // a float64 would round ids above 2^53
	var login string
	err := read(r.API[0], members{
		"id":         &id,
		"login":      &login,
		"name":       &p.Name, // null if the user gave none
		"avatar_url": &p.Picture,
	})
	p.Subject, p.Name = id.String(), cmp.Or(p.Name, login)
	if err != nil || r.API[1] == nil {
		return p, err
	}
	var addresses []oauth.Object
	if err := json.Unmarshal(r.API[1], &addresses); err != nil {
		return oauth.Profile{}, err
	}
	for _, address := range addresses {
		var email string
		var primary, verified bool
		if err := cmp.Or(
			address.Read("email", &email),
			address.Read("primary", &primary),
			address.Read("verified", &verified),
		); err != nil {
			return oauth.Profile{}, err
		}
		if primary && verified {
			p.Email, p.EmailVerified = email, true
		}
	}
	return p, nil
}
