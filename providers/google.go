package providers

import "example.com/oauthbyhand/oauth"

// Google follows OpenID Connect.
func Google() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "google",
			Title:         "Google",
			Console:       "https://console.cloud.google.com/apis/credentials",
			CallbackHosts: []string{"localhost", "127.0.0.1", "[::1]"},
			Notes: "Choose the client type “Web application”. Google compares the callback URL byte by byte: a slash at its end counts. " +
				"While the consent screen is in testing, refresh tokens end after 7 days, unless the app asks only for openid, email and profile. " +
				"The user cannot untick openid, email and profile one by one. " +
				"In its replies, Google gives the granted scopes longer names.",
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
			"access_type": "offline", // asks for a refresh token
			"prompt":      "consent", // Google gives one only when it asks the user for consent
		},
		// Google's metadata also offers client_secret_basic, but its guides use client_secret_post.
		ClientAuth: "client_secret_post",
		Profile:    openIDProfile,
	}
}
