package providers

import "example.com/oauthbyhand/oauth"

// Spotify speaks OAuth 2.0. The app shows its secret by client_secret_basic.
func Spotify() oauth.Provider {
	return oauth.Provider{
		About: oauth.About{
			Name:          "spotify",
			Title:         "Spotify",
			Console:       "https://developer.spotify.com/dashboard",
			CallbackHosts: []string{"127.0.0.1", "[::1]"}, // localhost is refused since 2025
			Notes: "In development mode, the app's owner must have Spotify Premium, and must list each user (at most 5). Others get 403 when their profile is read. " +
				"Apps in development mode see no e-mail address: new apps since 2026-02-11, older apps since 2026-03-09. Apps with extended quota see it. No address is verified. " +
				"A refresh token ends six months after the user allowed the app, and refreshing does not extend this time: sign in again then.",
			Sources: []string{
				"https://developer.spotify.com/documentation/web-api/tutorials/code-flow",
				"https://developer.spotify.com/documentation/web-api/concepts/redirect_uri",
				"https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile",
				"https://github.com/spotify/web-api/issues/1287", // apps cannot revoke a grant
			},
			Checked: "2026-11-29",
		},
		Metadata: oauth.Metadata{
			AuthorizationEndpoint: "https://accounts.spotify.com/authorize",
			TokenEndpoint:         "https://accounts.spotify.com/api/token",
		},
		Scopes:      []string{"user-read-email"}, // id, name and picture need no scope
		ClientAuth:  "client_secret_basic",
		RevokePage:  "https://www.spotify.com/account/apps/",
		ProfileURLs: []oauth.ProfileURL{{URL: "https://api.spotify.com/v1/me"}},
		Profile:     spotifyProfile,
	}
}

// spotifyProfile takes account_id as subject. Spotify added it in May 2026 for linking
// accounts, and no longer promises that the older id stays the same.
func spotifyProfile(r oauth.ProfileInput) (oauth.Profile, error) {
	var p oauth.Profile
	var images []oauth.Object
	err := read(r.API[0], members{
		"account_id":   &p.Subject,
		"display_name": &p.Name,
		"email":        &p.Email,
		"images":       &images,
	})
	if len(images) > 0 && err == nil {
		err = images[0].Read("url", &p.Picture)
	}
	return p, err
}
