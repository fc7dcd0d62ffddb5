package providers

import "example.com/oauthbyhand/oauth"

// Google speaks OpenID Connect by the book.
func Google() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "google",
			Title:         "Google",
			Console:       "https://console.cloud.google.com/apis/credentials",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "Client type “Web application”. Google compares the callback URL byte by byte: a slash at its end counts. " +
				"While the consent screen is in testing, refresh tokens end after 7 days, unless the app asks only for openid, email and profile. " +
				"The user cannot untick openid, email and profile one by one. " +
				"The granted scopes come back under longer names.",
			Sources: []string{
				"https://developers.google.com/identity/openid-connect/openid-connect",
				"https://developers.google.com/identity/protocols/oauth2/web-server",
			},
			Checked: "2026-11-29",
		},
		Issuer: "https://accounts.google.com",
		// Google documents that its ID tokens may name it without the scheme.
		IssuerAliases: []string{"accounts.google.com"},
		OpenID:        true,
		Scopes:        []string{"openid", "email", "profile"},
		AuthorizationParams: map[string]string{
			"access_type": "offline", // a refresh token,
			"prompt":      "consent", // which Google gives only when it asks for consent
		},
		// Basic is in Google's metadata too, but its own guides show the form.
		ClientAuth: "client_secret_post",
		Profile:    openIDProfile,
	}
}
